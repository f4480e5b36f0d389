"""Each guard of fetching: addresses, redirects, size, time, types."""

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kb_server.core.errors import LoadError
from kb_server.ingest.web.address import is_public, parse_url, resolve
from kb_server.ingest.web.fetcher import Fetcher, FetchLimits
from tests.unit.ingest.web.conftest import LOOPBACK


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104 - nothing is bound to it
        "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
        "fd00:ec2::254",
    ],
)  # fmt: skip
def test_no_address_but_a_public_one(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "file:///etc/passwd", "gopher://x", "http://", "//example.org", "http://x:99999/",
     "http://user:word@example.org/", "http://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_addresses_that_are_refused_unseen(url: str) -> None:
    with pytest.raises(LoadError):
        parse_url(url)


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 70}.example"])
def test_names_that_nobody_can_have(host: str) -> None:
    with pytest.raises(LoadError, match=r"could not be fetched: .*label"):
        Fetcher(FetchLimits()).get(f"http://{host}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(LoadError):
        Fetcher(FetchLimits()).get(f"http://{host}:1/")


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(LoadError, match=r"10\.0\.0\.1, which is not a public"):
        resolve("rebinding.example", 80)


def test_the_address_that_was_checked_is_the_one_connected_to(
    site: str, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name means another address when it is asked for again."""
    port = int(site.rpartition(":")[2])
    real = socket.getaddrinfo
    asked: list[str] = []

    def rebinding(host: str, *rest: object, **named: object) -> list[object]:
        if host != "rebinding.example":
            return real(host, *rest, **named)  # type: ignore[arg-type, return-value]  # passed on as it came
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert b"199 steps" in fetcher.get(f"http://rebinding.example:{port}/a").body
    assert asked == ["rebinding.example"]


def test_a_page_behind_a_redirect(site: str, fetcher: Fetcher) -> None:
    page = fetcher.get(f"{site}/to-a")
    assert (page.url, page.status, page.kind) == (f"{site}/a", 200, "text/html")
    assert b"199 steps" in page.body


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/metadata", "169.254.169.254, which is not a public"),
        ("/inside", "127.0.0.2, which is not a public"),
        ("/mapped", "not a public"),
        ("/file", "not an http"),
        ("/loop", "more than 3 redirects"),
        ("/large", "more than 1 MB"),
        ("/endless", "more than 1 MB"),
        ("/film", "video/mp4"),
        ("/cut", "could not be fetched"),
        ("/garbage", "could not be fetched"),
        ("/zipped", "came compressed"),
    ],
)
def test_what_is_refused_on_the_way(site: str, fetcher: Fetcher, path: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        fetcher.get(site + path)


def test_a_server_that_drips_is_left(site: str, fetcher: Fetcher) -> None:
    started = time.monotonic()
    with pytest.raises(LoadError, match=r"more than 1\.5 seconds"):
        fetcher.get(f"{site}/drip")
    assert time.monotonic() - started < 4


def test_nothing_listens(fetcher: Fetcher) -> None:
    with pytest.raises(LoadError, match="could not be fetched"):
        fetcher.get("http://127.0.0.1:1/")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a certificate for site.example, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("site.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@pytest.fixture
def secure_port(server: ThreadingHTTPServer, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the site speak TLS, and all names of .example be this machine; return its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    monkeypatch.setattr(server, "handle_error", lambda *_: None)  # clients that do not trust it hang up
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.server_port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    return server.server_port


def test_a_certificate_is_checked_against_the_name(
    secure_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to an address, the check is of the name; trusted is what the machine trusts."""
    limits = FetchLimits(seconds=5)
    with pytest.raises(LoadError, match=r"could not be fetched: .*CERTIFICATE_VERIFY_FAILED"):
        Fetcher(limits, LOOPBACK).get(f"https://site.example:{secure_port}/a")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    fetcher = Fetcher(limits, LOOPBACK)
    assert b"199 steps" in fetcher.get(f"https://site.example:{secure_port}/a").body
    with pytest.raises(LoadError, match=r"could not be fetched: .*not valid for 'other\.example'"):
        fetcher.get(f"https://other.example:{secure_port}/a")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_says_nothing_is_left(fetcher: Fetcher, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(LoadError, match=r"more than 1\.5 seconds"):
        fetcher.get(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/")
