"""A small real HTTP server with OpenAI's embeddings API, as text-embeddings-inference and vLLM have it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST = 8  # texts in one request; more are refused, as text-embeddings-inference does


class EmbeddingServer(ThreadingHTTPServer):
    """Gives each text the vector [length, capitals, 1, 0]; `behaviour` is good, wrong (an array short), or a status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour: str | int = "good"
        self.seconds = 0.0  # that each answer takes
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body | {"authorization": self.headers.get("Authorization")})
        texts = body["input"]
        time.sleep(self.server.seconds)
        if isinstance(self.server.behaviour, int):
            self._answer(self.server.behaviour, {"error": {"message": "the server is unwell", "type": "server"}})
        elif len(texts) > MOST:
            self._answer(413, {"error": {"message": f"batch size {len(texts)} > {MOST}", "type": "validation"}})
        else:
            rows = texts[:-1] if self.server.behaviour == "wrong" else texts
            data = [{"object": "embedding", "index": i, "embedding": vector(text)} for i, text in enumerate(rows)]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            self._answer(200, {"object": "list", "data": data, "model": body["model"], "usage": usage})

    def _answer(self, status: int, values: dict[str, Any]) -> None:
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def vector(text: str) -> list[float]:
    """Return what the server says of a text."""
    return [float(len(text)), float(sum(character.isupper() for character in text)), 1.0, 0.0]


@contextmanager
def serving() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
