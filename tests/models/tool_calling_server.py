"""A real HTTP server that speaks the OpenAI chat protocol with tools; what it says, a script decides."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Call = tuple[str, dict[str, Any]]
Turn = str | Sequence[Call]
Script = Callable[[list[dict[str, Any]]], Turn]
"""Takes the messages so far; returns a text, or the tools to call with their arguments."""


class ToolCallingServer(ThreadingHTTPServer):
    """Plays `script`. With `refusal` it answers 400 in these words as soon as tools are offered.

    With `endless` it speaks until its client hangs up, and then sets `closed`.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: Script = lambda _: "Nothing."
        self.refusal = ""
        self.endless = False
        self.closed = threading.Event()
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: ToolCallingServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        if self.server.refusal and body.get("tools"):
            self._refuse()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if self.server.endless:
            self._speak_on()
            return
        turn = self.server.script(body["messages"])
        if isinstance(turn, str):
            for piece in turn.replace(" ", "\0 ").split("\0"):
                self._send({"content": piece}, None)
            self._send({}, "stop")
        else:
            number = len(body["messages"])
            calls = [
                {
                    "index": place,
                    "id": f"call-{number}-{place}",
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(arguments)},
                }
                for place, (name, arguments) in enumerate(turn)
            ]
            self._send({"role": "assistant", "content": None, "tool_calls": calls}, None)
            self._send({}, "tool_calls")
        self.wfile.write(b"data: [DONE]\n\n")

    def _speak_on(self) -> None:
        try:
            while True:
                self._send({"content": "and on "}, None)
                time.sleep(0.02)
        except OSError:
            self.server.closed.set()

    def _send(self, delta: dict[str, Any], finish: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def _refuse(self) -> None:
        body = json.dumps({"error": {"message": self.server.refusal, "type": "invalid_request_error"}}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def serving() -> Iterator[ToolCallingServer]:
    server = ToolCallingServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def returned(messages: list[dict[str, Any]]) -> list[str]:
    """Return what tools have given back so far."""
    return [str(message["content"]) for message in messages if message["role"] == "tool"]
