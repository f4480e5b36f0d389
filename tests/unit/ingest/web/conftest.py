"""A real server on this machine, which only a fetcher told so may reach."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from kb_server.ingest.web.fetcher import Fetcher, FetchLimits

LOOPBACK = (ip_network("127.0.0.1/32"),)  # this one address: 127.0.0.2 stays refused
ROBOTS = "User-agent: *\nDisallow: /private\n"


def page(body: str) -> str:
    return f"<!doctype html><html><body><h1>Site</h1>{body}</body></html>"


PAGES = {
    "/": page(
        '<a href="/a">a</a> <a href="b#part">b</a> <a href="https://other.example/">o</a> <a href="mailto:x">m</a>'
    ),
    "/a": page('The lighthouse has 199 steps. <a href="/deep">deep</a> <a href="/">home</a>'),
    "/b": page('<a href="/private/x">p</a> <a href="/gone">g</a>'),
    "/deep": page('<a href="/deeper">deeper</a>'),
    "/deeper": page("bottom"),
    "/private/x": page("secret"),
}
REDIRECTS = {
    "/to-a": "/a",
    "/loop": "/loop",
    "/metadata": "http://169.254.169.254/latest/meta-data/",
    "/inside": "http://127.0.0.2:1/",
    "/mapped": "http://[::ffff:10.0.0.1]/",
    "/file": "file:///etc/passwd",
}


class Handler(BaseHTTPRequestHandler):
    """Answers well, badly, or without end."""

    def do_GET(self) -> None:  # noqa: C901 - a case a path; the base class names it
        served: list[str] = self.server.served  # type: ignore[attr-defined]  # put there by the fixture
        served.append(self.path)
        if self.path == "/robots.txt":
            status, rules = self.server.robots  # type: ignore[attr-defined]  # put there by the fixture
            self._answer(status, "text/plain", rules)
        elif self.path in REDIRECTS:
            self.send_response(302)
            self.send_header("Location", REDIRECTS[self.path])
            self.end_headers()
        elif self.path == "/large":
            self._answer(200, "text/plain", b"x" * 3_000_000)
        elif self.path == "/endless":
            self._drip(b"x" * 65536, 0.0)
        elif self.path == "/drip":
            self._drip(b"x", 0.1)
        elif self.path == "/film":
            self._answer(200, "video/mp4", b"film")
        elif self.path == "/cut":
            self._answer(200, "text/plain", b"half of it", declared=100)
        elif self.path == "/garbage":
            self.wfile.write(b"no answer of HTTP\r\n\r\n")
        elif self.path == "/zipped":
            self._answer(200, "text/plain", b"\x1f\x8b", encoding="gzip")
        elif self.path in PAGES:
            self._answer(200, "text/html", PAGES[self.path].encode())
        else:
            self._answer(404, "text/html", b"gone")

    def _answer(
        self, status: int, kind: str, body: bytes, declared: int | None = None, encoding: str = "identity"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(declared or len(body)))
        self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, block: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        try:
            for _ in range(600):
                self.wfile.write(block)
                time.sleep(pause)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.served = []  # type: ignore[attr-defined]  # what was asked for, in order
    made.robots = (200, ROBOTS.encode())  # type: ignore[attr-defined]  # a test may put others there
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def site(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(FetchLimits(seconds=1.5, megabytes=1, redirects=3), allowed=LOOPBACK)
