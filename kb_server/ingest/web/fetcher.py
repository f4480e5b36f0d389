"""Getting one page: redirects are followed by hand, each as carefully as the first address."""

import http.client
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Timer
from time import monotonic
from urllib.parse import SplitResult, quote, urljoin, urlunsplit

from kb_server.core.errors import LoadError
from kb_server.ingest.web.address import Network, parse_url, port_of, resolve

AGENT = "kb-server"
_BLOCK = 1 << 16
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

    def get(self, url: str) -> Page:
        """Return the page; raises LoadError for a refused address, or more redirects, bytes or time than set."""
        deadline = monotonic() + self._limits.seconds
        for _ in range(self._limits.redirects + 1):
            page, location = self._one(url, deadline)
            if location is None:
                return page
            url = urljoin(url, location)
        raise LoadError(f"'{url}' is behind more than {self._limits.redirects} redirects.", "Give the last address.")

    def _one(self, url: str, deadline: float) -> tuple[Page, str | None]:
        parts = parse_url(url)
        address = resolve(parts, self._allowed)
        left = deadline - monotonic()
        if left <= 0:
            raise self._late(url)
        held: list[socket.socket] = []
        expired: list[bool] = []
        connection = _connection(parts, address, left, held)
        timer = Timer(left, _hang_up, (held, expired))  # a server that drips never lets the socket time out
        timer.daemon = True
        timer.start()
        try:
            answer = self._ask(connection, parts, url)
            if expired:
                raise self._late(url)
            return answer
        except (OSError, http.client.HTTPException, ValueError) as error:
            if expired or isinstance(error, TimeoutError):
                raise self._late(url) from error
            reason = " ".join(str(error).split()) or type(error).__name__
            raise LoadError(f"'{url}' could not be fetched: {reason}.", "Try again later.") from error
        finally:
            timer.cancel()
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, parts: SplitResult, url: str) -> tuple[Page, str | None]:
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
        connection.request("GET", quote(target, safe="/%?:@!$&'()*+,;=~[]"), headers=headers)
        answer = connection.getresponse()
        location = answer.getheader("Location")
        if answer.status in _REDIRECTS and location:
            return Page(url, answer.status, "", b""), location
        kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        if kind.startswith(_REFUSED_TYPES):
            raise LoadError(f"'{url}' is of the type {kind}, which holds no text.")
        if answer.getheader("Content-Encoding", "identity").lower() != "identity":
            raise LoadError(f"'{url}' came compressed though that was not asked for.", "Save it and ingest the file.")
        return Page(url, answer.status, kind, self._body(answer, url)), None

    def _body(self, answer: http.client.HTTPResponse, url: str) -> bytes:
        most = int(self._limits.megabytes * (1 << 20))
        declared = answer.getheader("Content-Length", "")
        body = bytearray()
        while len(body) <= most and not (declared.isdigit() and int(declared) > most):
            block = answer.read(_BLOCK)
            if not block:
                if declared.isdigit() and len(body) < int(declared):
                    raise http.client.IncompleteRead(bytes(body), int(declared) - len(body))
                return bytes(body)
            body += block
        raise LoadError(f"'{url}' has more than {self._limits.megabytes:g} MB.", "Raise web.megabytes, or save it.")

    def _late(self, url: str) -> LoadError:
        return LoadError(
            f"'{url}' took more than {self._limits.seconds:g} seconds.", "Try again, or raise web.seconds."
        )


def _hang_up(held: list[socket.socket], expired: list[bool]) -> None:
    expired.append(True)
    for each in held:
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:  # it was closed a moment ago
            continue


def _connection(
    parts: SplitResult, address: str, seconds: float, held: list[socket.socket]
) -> http.client.HTTPConnection:
    """Make a connection to the address that was checked, whatever the name says by now; its socket goes into `held`."""
    host, port = parts.hostname or "", port_of(parts)

    def connect(*_: object) -> socket.socket:
        held.append(socket.create_connection((address, port), seconds))
        return held[0]

    secure = parts.scheme == "https"  # the certificate is checked against the name, not the address
    made = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(host, port, timeout=seconds)
    made._create_connection = connect  # type: ignore[attr-defined]  # http.client's own hook, the same since 3.3
    return made
