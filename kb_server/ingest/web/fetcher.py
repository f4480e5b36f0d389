"""Getting one page: redirects are followed by hand, each as carefully as the first address."""

import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlunsplit

import httpcore

from kb_server.core.errors import LoadError
from kb_server.ingest.web.address import Network, parse_url, port_of, resolve

AGENT = "kb-server"
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSED_TYPES = ("audio/", "video/", "font/")


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one page may take, its redirects included."""

    seconds: float = 30.0
    megabytes: float = 50.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Page:
    """What came back; `url` is the last one of the redirects, `status` that of the answer."""

    url: str
    status: int
    kind: str
    body: bytes


class Fetcher:
    """Fetches pages from public addresses. `allowed` are networks let through though not public: only for tests."""

    def __init__(self, limits: FetchLimits, allowed: Sequence[Network] = ()) -> None:
        self._limits = limits
        self._allowed = allowed
        # Python's own, not httpcore's: it trusts what the machine trusts, a company's own authority too.
        self._trusted = ssl.create_default_context()

    def get(self, url: str) -> Page:
        """Return the page; raises LoadError for a refused address, or more redirects, bytes or time than set."""
        network = _CheckedNetwork(self._allowed, monotonic() + self._limits.seconds)
        with httpcore.ConnectionPool(self._trusted, network_backend=network) as connections:
            for _ in range(self._limits.redirects + 1):
                page, location = self._one(connections, url)
                if location is None:
                    return page
                url = urljoin(url, location)
        raise LoadError(f"'{url}' is behind more than {self._limits.redirects} redirects.", "Give the last address.")

    def _one(self, connections: httpcore.ConnectionPool, url: str) -> tuple[Page, str | None]:
        parts = parse_url(url)
        try:
            with connections.stream("GET", _asked(parts), headers=_headers(parts)) as answer:
                return self._read(answer, url)
        except httpcore.TimeoutException as error:
            raise LoadError(
                f"'{url}' took more than {self._limits.seconds:g} seconds.", "Try again, or raise web.seconds."
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise LoadError(f"'{url}' could not be fetched: {reason}.", "Try again later.") from error

    def _read(self, answer: httpcore.Response, url: str) -> tuple[Page, str | None]:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        location = headers.get("location")
        if answer.status in _REDIRECTS and location:
            return Page(url, answer.status, "", b""), location
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith(_REFUSED_TYPES):
            raise LoadError(f"'{url}' is of the type {kind}, which holds no text.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise LoadError(f"'{url}' came compressed though that was not asked for.", "Save it and ingest the file.")
        return Page(url, answer.status, kind, self._body(answer, headers.get("content-length", "0"), url)), None

    def _body(self, answer: httpcore.Response, declared: str, url: str) -> bytes:
        most = int(self._limits.megabytes * (1 << 20))
        body = bytearray()
        if int(declared) <= most:
            for block in answer.iter_stream():
                body += block
                if len(body) > most:
                    break
            else:
                return bytes(body)
        raise LoadError(f"'{url}' has more than {self._limits.megabytes:g} MB.", "Raise web.megabytes, or save it.")


def _asked(parts: SplitResult) -> httpcore.URL:
    target = quote(urlunsplit(("", "", parts.path or "/", parts.query, "")), safe="/%?:@!$&'()*+,;=~[]")
    return httpcore.URL(scheme=parts.scheme, host=_host(parts), port=port_of(parts), target=target)


def _headers(parts: SplitResult) -> list[tuple[str, str]]:
    host = f"[{_host(parts)}]" if ":" in _host(parts) else _host(parts)
    return [
        ("Host", host if parts.port is None else f"{host}:{parts.port}"),
        ("User-Agent", AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").encode("idna").decode("ascii")


class _CheckedNetwork(httpcore.NetworkBackend):
    """Opens connections to public addresses: a name is resolved once, checked, and that very address connected to."""

    def __init__(self, allowed: Sequence[Network], deadline: float) -> None:
        self._allowed = allowed
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is nearer
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, whatever the name means by now to others; raises LoadError for a refused address."""
        address = resolve(host, port, self._allowed)
        left = _left(self._deadline)
        return _Timed(self._sockets.connect_tcp(address, port, left, local_address, socket_options), self._deadline)


class _Timed(httpcore.NetworkStream):
    """A stream that ends at the deadline: a server that drips would outwait a limit of each reading."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline is nearer
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        secure = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _Timed(secure, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own signature
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise httpcore.TimeoutException
    return left
