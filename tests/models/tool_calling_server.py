"""A real HTTP server that speaks the OpenAI chat protocol with tools; what it says, a script decides."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from tests.models.json_server import JsonHandler, JsonServer, running

Call = tuple[str, dict[str, Any]]
Turn = str | Sequence[Call]
Script = Callable[[list[dict[str, Any]]], Turn]
"""Takes the messages so far; returns a text, or the tools to call with their arguments."""


class ToolCallingServer(JsonServer):
    """Plays `script`. With `refusal` it answers 400 in these words as soon as tools are offered.

    With `endless` it speaks until its client hangs up, and then sets `closed`.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.script: Script = lambda _: "Nothing."
        self.refusal = ""
        self.endless = False
        self.closed = threading.Event()


class _Handler(JsonHandler):
    server: ToolCallingServer

    def respond(self, body: dict[str, Any]) -> None:
        if self.server.refusal and body.get("tools"):
            self.refuse(400, self.server.refusal)
            return
        self.begin_events()
        if self.server.endless:
            self._speak_on()
            return
        turn = self.server.script(body["messages"])
        if isinstance(turn, str):
            for piece in turn.replace(" ", "\0 ").split("\0"):
                self.send_piece({"content": piece}, None, "m")
            self.send_piece({}, "stop", "m")
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
            self.send_piece({"role": "assistant", "content": None, "tool_calls": calls}, None, "m")
            self.send_piece({}, "tool_calls", "m")
        self.end_events()

    def _speak_on(self) -> None:
        try:
            while True:
                self.send_piece({"content": "and on "}, None, "m")
                time.sleep(0.02)
        except OSError:
            self.server.closed.set()


def serving() -> AbstractContextManager[ToolCallingServer]:
    return running(ToolCallingServer())


def returned(messages: list[dict[str, Any]]) -> list[str]:
    """Return what tools have given back so far."""
    return [str(message["content"]) for message in messages if message["role"] == "tool"]
