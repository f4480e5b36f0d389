"""A small real HTTP server with OpenAI's embeddings API, as text-embeddings-inference and vLLM have it."""

import time
from contextlib import AbstractContextManager
from typing import Any

from tests.models.json_server import JsonHandler, JsonServer, running

MOST = 8  # texts in one request; more are refused, as text-embeddings-inference does


class EmbeddingServer(JsonServer):
    """Gives each text the vector [length, capitals, 1, 0]; `behaviour` is good, wrong (an array short), or a status."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.behaviour: str | int = "good"
        self.seconds = 0.0  # that each answer takes


class _Handler(JsonHandler):
    server: EmbeddingServer

    def respond(self, body: dict[str, Any]) -> None:
        texts = body["input"]
        time.sleep(self.server.seconds)
        if isinstance(self.server.behaviour, int):
            self.refuse(self.server.behaviour, "the server is unwell")
        elif len(texts) > MOST:
            self.refuse(413, f"batch size {len(texts)} > {MOST}")
        else:
            rows = texts[:-1] if self.server.behaviour == "wrong" else texts
            data = [{"object": "embedding", "index": i, "embedding": vector(text)} for i, text in enumerate(rows)]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            self.answer(200, {"object": "list", "data": data, "model": body["model"], "usage": usage})


def vector(text: str) -> list[float]:
    """Return what the server says of a text."""
    return [float(len(text)), float(sum(character.isupper() for character in text)), 1.0, 0.0]


def serving() -> AbstractContextManager[EmbeddingServer]:
    return running(EmbeddingServer())
