"""The agent's loop takes any generator that can call tools, whatever its class."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from kb_server.answering.agent.agent import Called, ModelReply, Returned, run_agent
from kb_server.answering.agent.tools import calculator
from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import CannotCallTools, ModelServerFailed

pytest.importorskip("langchain", reason="needs the extra `agent`")

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

ASKED = [Message("system", "Be brief."), Message("user", "How much is 2 * 21?")]


class Speaking:
    """A Generator that calls no tools."""

    name = "plain"
    context_window = 100

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(messages)

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:  # noqa: ARG002 - a Generator's
        yield "I cannot say."


class Calling(Speaking):
    """One that does: it asks for a calculation, and says what came of it."""

    name = "calling"

    def chat_model(self, sampling: Sampling) -> "BaseChatModel":  # noqa: ARG002 - ToolCalling's
        from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
        from langchain_core.messages import AIMessage

        class Scripted(FakeMessagesListChatModel):
            def bind_tools(self, *_: object, **__: object) -> "Scripted":
                return self

        call = {"name": "calculate", "args": {"expression": "2 * 21"}, "id": "1"}
        return Scripted(responses=[AIMessage("", tool_calls=[call]), AIMessage("It is 42.")])

    def client_failures(self) -> tuple[type[Exception], ...]:
        return (ConnectionError,)

    def failure(self, error: Exception) -> ModelServerFailed:
        return ModelServerFailed(str(error))


def test_any_generator_that_calls_tools_will_do() -> None:
    events = list(run_agent(Calling(), ASKED, [calculator()], Sampling(), calls=4))
    assert Called("1", "calculate", {"expression": "2 * 21"}) in events
    assert Returned("1", "42") in events
    assert events[-1] == ModelReply("It is 42.")


def test_one_that_calls_none_is_named() -> None:
    with pytest.raises(CannotCallTools, match="'plain'"):
        list(run_agent(Speaking(), ASKED, [], Sampling(), calls=4))
