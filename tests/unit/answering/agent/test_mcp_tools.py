"""Servers of tools that are not there, hang, die or speak another protocol, and faults that are ours."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from kb_server.answering.agent.mcp_tools import McpServer, _with_client, mcp_tools
from kb_server.core.errors import GenerationFailed
from tests.models import mcp_echo

pytest.importorskip("mcp", reason="needs the extra `mcp`")


class _Page(BaseHTTPRequestHandler):
    """Answers with a page, as a web server does that knows nothing of MCP."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<p>Hello</p>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mcp"
        server.shutdown()


def python(code: str) -> dict[str, Any]:
    return {"command": (sys.executable, "-c", code)}


@pytest.mark.parametrize(
    "place",
    [
        {"url": "http://127.0.0.1:1/mcp"},
        {"url": "ftp://127.0.0.1/mcp"},
        {"command": ("/nowhere/server",)},
        python("raise SystemExit(3)"),
        python("import time; time.sleep(60)"),
    ],
    ids=["nobody listens", "no web address", "no such command", "it ends", "it hangs"],
)
def test_a_server_that_fails_is_named(place: dict[str, Any]) -> None:
    with pytest.raises(GenerationFailed, match="'weather' does not answer as it should"):
        mcp_tools(McpServer("weather", seconds=1, **place))


def test_a_server_of_something_else_is_named(page: str) -> None:
    with pytest.raises(GenerationFailed, match="'weather' does not answer as it should"):
        mcp_tools(McpServer("weather", url=page, seconds=5))


def test_a_fault_of_our_own_comes_through() -> None:
    async def faulty(_: Any) -> None:  # noqa: ANN401 - a client
        raise KeyError("ours")

    server = McpServer("echo", command=(sys.executable, str(mcp_echo.__file__), "unused"))
    with pytest.raises(ExceptionGroup) as raised:
        _with_client(server, faulty)
    assert raised.group_contains(KeyError, match="ours")
