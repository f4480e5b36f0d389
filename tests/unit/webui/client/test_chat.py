"""Answers that stream in, and can be stopped."""

import threading

import pytest

from tests.api.conftest import Server
from webui.client.chat import AnswerStream
from webui.client.connection import Connection
from webui.client.errors import ServiceError, SignedOut
from webui.client.service import Service


def _asked(base: str, **more: object) -> dict[str, object]:
    return {"knowledge_bases": [base], "question": "How do I reset the device?", "mode": "extract", **more}


def test_passages_then_words_then_the_whole(service: Service, handbook: str) -> None:
    with service.ask(_asked(handbook)) as stream:
        events = [event for event in stream if event.name != "waiting"]
    names = [event.name for event in events]
    assert names[0] == "retrieved"
    assert names[-1] == "done"
    written = "".join(event.data["text"] for event in events if event.name == "token")
    assert written.strip() == events[-1].data["answer"].strip()


def test_what_the_service_refuses_is_raised(service: Service, server: Server, handbook: str) -> None:
    with service.ask(_asked("none such")) as stream, pytest.raises(ServiceError) as caught:
        list(stream)
    assert caught.value.code == "not_found"
    with AnswerStream(Connection(server.url, "kb_wrong"), _asked(handbook)) as stream, pytest.raises(SignedOut):
        list(stream)


def test_a_stream_that_is_left_ends_its_thread(service: Service, handbook: str) -> None:
    with service.ask(_asked(handbook)) as stream:
        next(iter(stream))
    for thread in threading.enumerate():
        if thread.name == "answer":
            thread.join(10)
    assert "answer" not in [thread.name for thread in threading.enumerate()]
