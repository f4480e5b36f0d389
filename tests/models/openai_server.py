"""A small real HTTP server that speaks the OpenAI chat protocol, and fails in the ways that servers do."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class OpenAiServer(ThreadingHTTPServer):
    """Says `pieces`; `behaviour` is good, slow (a pause within), broken (closes within), or an HTTP status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pieces = ["你", "好", "，", "hello"]
        self.behaviour: str | int = "good"
        self.requests: list[dict[str, Any]] = []
        self.closed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: OpenAiServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body | {"authorization": self.headers.get("Authorization")})
        if isinstance(self.server.behaviour, int):
            self._refuse(self.server.behaviour)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            self._say(body["model"])
        except OSError:
            self.server.closed.set()

    def _say(self, model: str) -> None:
        for number, piece in enumerate(self.server.pieces):
            if number == 2 and self.server.behaviour == "slow":
                time.sleep(3)
            if number == 2 and self.server.behaviour == "broken":
                return
            if self.server.behaviour == "endless":
                time.sleep(0.02)
            self._send({"delta": {"role": "assistant", "content": piece}, "finish_reason": None}, model)
        self._send({"delta": {}, "finish_reason": "stop"}, model)
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, choice: dict[str, Any], model: str) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model}
        self.wfile.write(f"data: {json.dumps(chunk | {'choices': [choice | {'index': 0}]})}\n\n".encode())
        self.wfile.flush()

    def _refuse(self, status: int) -> None:
        body = json.dumps({"error": {"message": "no such model", "type": "invalid_request_error"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def serving() -> Iterator[OpenAiServer]:
    server = OpenAiServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
