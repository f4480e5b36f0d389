"""Each guard of fetching: addresses, redirects, size, time, types."""

import socket
import time
from ipaddress import ip_address

import pytest

from kb_server.core.errors import LoadError
from kb_server.ingest.web.address import is_public, parse_url, resolve
from kb_server.ingest.web.fetcher import Fetcher, FetchLimits


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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(LoadError):
        Fetcher(FetchLimits()).get(f"http://{host}:1/")


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(LoadError, match=r"10\.0\.0\.1, which is not a public"):
        resolve(parse_url("http://rebinding.example/"))


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
