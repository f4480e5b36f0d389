"""A small real HTTP server that speaks the OpenAI chat protocol, and fails in the ways that servers do."""

import threading
import time
from contextlib import AbstractContextManager
from typing import Any

from tests.models.json_server import JsonHandler, JsonServer, running


class OpenAiServer(JsonServer):
    """Says `pieces`; `behaviour` is good, slow (a pause within), broken (closes within), or an HTTP status."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.pieces = ["你", "好", "，", "hello"]
        self.behaviour: str | int = "good"
        self.closed = threading.Event()


class _Handler(JsonHandler):
    server: OpenAiServer

    def respond(self, body: dict[str, Any]) -> None:
        if isinstance(self.server.behaviour, int):
            self.refuse(self.server.behaviour, "no such model")
            return
        self.begin_events()
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
            self.send_piece({"role": "assistant", "content": piece}, None, model)
        self.send_piece({}, "stop", model)
        self.end_events()


def serving() -> AbstractContextManager[OpenAiServer]:
    return running(OpenAiServer())
