"""The service beside the command line, and with the real language model."""

import time

import httpx
import pytest

from tests.api.conftest import Server, admin, events, handbook, server

__all__ = ["admin", "handbook", "server"]  # fixtures

pytestmark = pytest.mark.slow

QUESTION = "How do I reset the device?"


def test_the_same_answer_as_the_command_line(server: Server, admin: httpx.Client, handbook: str) -> None:
    by_hand = server.kb("ask", handbook, QUESTION)
    over_http = admin.post("/api/v1/chat", json={"knowledge_base": handbook, "question": QUESTION, "stream": False})
    answer = over_http.json()
    for key in by_hand.keys() - {"timings_ms"}:
        assert answer[key] == by_hand[key], key


def test_the_model_writes_and_stops_when_the_client_goes(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_base": handbook, "question": QUESTION, "mode": "generate", "keep": True}
    with admin.stream("POST", "/api/v1/chat", json=body) as response:
        stream = events(response)
        assert next(stream)[0] == "retrieved"
        assert next(stream)[0] == "token"
    newest = admin.get("/api/v1/conversations").json()["conversations"][0]["id"]
    for _ in range(100):
        turns = admin.get(f"/api/v1/conversations/{newest}").json()["messages"]
        if len(turns) == 2:
            break
        time.sleep(0.1)
    assert (turns[1]["complete"], turns[1]["answer"]) == (False, None)
    assert turns[1]["content"]
