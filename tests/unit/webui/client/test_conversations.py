"""Conversations that the service keeps, as the page sees them."""

import pytest

from webui.client.errors import NotThere
from webui.client.service import Service


def test_one_is_begun_asked_in_found_and_deleted(service: Service, handbook: str) -> None:
    made = service.conversations.begin([handbook], "About resets")
    asked = {"knowledge_bases": [handbook], "question": "How do I reset the device?", "mode": "extract"}
    answer = service.answer({**asked, "conversation_id": made.id})
    question, reply = service.conversations.find(made.id).messages
    assert (question.role, question.content, question.backed) == ("user", asked["question"], None)
    assert (reply.role, reply.complete, reply.score) == ("assistant", True, None)
    assert reply.backed is not None
    assert reply.backed.answer == answer.answer
    service.conversations.rate(reply.id, 80, "clear")
    rated = service.conversations.find(made.id).messages[1]
    assert (rated.score, rated.reason) == (80, "clear")
    assert made.id in [one.id for one in service.conversations.latest(text="red button")]
    assert made.id not in [one.id for one in service.conversations.latest(text="harbour")]
    assert "How do I reset the device?" in service.conversations.markdown(made.id).decode()
    service.conversations.take_back(made.id, reply.id)
    assert [one.id for one in service.conversations.find(made.id).messages] == [question.id]
    service.conversations.delete(made.id)
    with pytest.raises(NotThere):
        service.conversations.find(made.id)


def test_the_newest_comes_first_under_its_new_title(service: Service, handbook: str) -> None:
    older, newer = (service.conversations.begin([handbook], title) for title in ("older", "newer"))
    service.conversations.rename(older.id, "renamed")
    found = service.conversations.latest(2)
    assert [(one.id, one.title) for one in found] == [(newer.id, "newer"), (older.id, "renamed")]
    assert found[0].knowledge_bases == (handbook,)
