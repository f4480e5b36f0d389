"""Conversations that are kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kb_server.answering.answering import ResolvedQuestion
from kb_server.answering.conversation import ConversationWriter, Kept
from kb_server.app import Application
from kb_server.config.settings import Settings
from kb_server.core.answers import AnswerMode, Done
from kb_server.core.errors import ModelServerFailed
from tests.models.openai_server import serving
from tests.unit.answering.test_answering import QUESTION, ScriptedGenerator, _answering

WRITTEN = ResolvedQuestion(question=QUESTION, mode=AnswerMode.GENERATE, k=3)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    made = Application(Settings(home=tmp_path))
    yield made
    made.close()


def test_question_and_answer_are_kept_and_come_back_as_history(app: Application) -> None:
    conversing = ConversationWriter(app.catalog.conversations)
    conversation = conversing.begin("me", "towers", QUESTION)
    first = ScriptedGenerator("The tower was finished in 1889.")
    *_, done, kept = conversing.stream(conversation, _answering(first), WRITTEN)
    assert isinstance(done, Done)
    assert isinstance(kept, Kept)
    question, answer = app.catalog.conversations.turns(conversation.id)
    assert (question.content, answer.id, answer.content) == (QUESTION, kept.message_id, done.answer.text)

    second = ScriptedGenerator("It opened in 1937.")
    list(
        conversing.stream(
            conversation,
            _answering(second),
            replace(WRITTEN, question="And the bridge?"),
        )
    )
    assert [message.content for message in second.asked[1:3]] == [QUESTION, done.answer.text]


def test_a_broken_off_answer_is_kept_as_far_as_it_got_and_is_no_history(app: Application) -> None:
    conversing = ConversationWriter(app.catalog.conversations)
    conversation = conversing.begin("me", "towers", QUESTION)
    generator = ScriptedGenerator("The tower ", "was ", "finished in 1889.")
    events = conversing.stream(conversation, _answering(generator), WRITTEN)
    for _ in range(3):
        next(events)
    events.close()  # type: ignore[attr-defined]  # an Iterator by its type, a generator in fact
    assert generator.stopped
    _, answer = app.catalog.conversations.turns(conversation.id)
    assert (answer.content, answer.complete, answer.answer) == ("The tower was ", False, None)

    second = ScriptedGenerator("In 1889.")
    list(conversing.stream(conversation, _answering(second), WRITTEN))
    assert [message.role for message in second.asked] == ["system", "user"]


@pytest.mark.parametrize(
    ("behaviour", "said", "reason"),
    [("broken", "你好", "broke off"), ("slow", "你好", "did not answer within"), (500, "", "no such model")],
)
def test_a_model_server_that_fails_costs_one_answer(
    app: Application, behaviour: str | int, said: str, reason: str
) -> None:
    pytest.importorskip("langchain_openai", reason="needs the extra `chat-models`")
    from kb_server.llm.engines.langchain import LangChainGenerator

    conversing = ConversationWriter(app.catalog.conversations)
    conversation = conversing.begin("me", "towers", QUESTION)
    asked = WRITTEN
    with serving() as server:
        answering = _answering(LangChainGenerator("chatglm3-6b", url=server.url, timeout=0.5))
        server.behaviour = behaviour
        with pytest.raises(ModelServerFailed, match=reason):
            list(conversing.stream(conversation, answering, asked))
        server.behaviour = "good"
        *_, done, _ = conversing.stream(conversation, answering, asked)
    assert isinstance(done, Done)
    _, broken, _, whole = app.catalog.conversations.turns(conversation.id)
    assert (broken.content, broken.complete, whole.complete) == (said, False, True)
