"""A model that calls tools until it can answer: LangChain's `create_agent`, its steps as they happen."""

from collections.abc import Generator as Steps
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from kb_server.answering.agent.tools import Tool
from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import CannotCallTools, KbError, MissingExtra
from kb_server.core.ports import Generator, ToolCalling

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage
    from langchain_core.tools import BaseTool

_INSTALL = "Run: pip install 'kb-server[chat-models]'"
_MEND = "Set generation.backend to langchain, with a model and server that call tools; see docs/agent.md."


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of what the model says; what it said before a call is not yet the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """The model wants a tool to be run; `id` pairs it with what comes back."""

    id: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Returned:
    """What a tool gave back."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The model's answer; None if it had not come to one within the calls it may make."""

    text: str | None


LoopEvent = TextDelta | Called | Returned | ModelReply


def run_agent(
    generator: Generator,
    messages: Sequence[Message],
    tools: Sequence[Tool],
    sampling: Sampling,
    calls: int,
) -> Iterator[LoopEvent]:
    """Yield what happens, last of all ModelReply; the model is asked `calls` times at most.

    Raises CannotCallTools for a model that has no way to, ModelServerFailed where its server fails.
    """
    if not isinstance(generator, ToolCalling):
        raise CannotCallTools(f"The model '{generator.name}' runs inside the service and cannot call tools.", _MEND)
    model, failures = generator.chat_model(sampling), generator.client_failures()
    try:
        from langchain.agents import create_agent
        from langchain.agents.middleware import ModelCallLimitMiddleware
        from langchain.agents.middleware.model_call_limit import ModelCallLimitExceededError
    except ImportError as error:
        raise MissingExtra(f"Agents need a package: {error}.", _INSTALL) from error
    limit: Any = ModelCallLimitMiddleware(run_limit=calls, exit_behavior="error")
    agent: Any = create_agent(model, [_langchain_tool(tool) for tool in tools], middleware=[limit])
    brake = _brake()
    config = {"recursion_limit": 10 * calls, "callbacks": [brake]}
    given = {"messages": [(message.role, message.content) for message in messages]}
    try:
        with closing(_events(agent.stream(given, config, stream_mode=["messages", "updates"]), brake)) as events:
            yield from events
    except ModelCallLimitExceededError:
        yield ModelReply(None)
    except failures as error:
        if _refuses_tools(error):
            raise CannotCallTools(f"The model '{generator.name}' cannot call tools.", _MEND) from error
        raise generator.failure(error) from error


def _refuses_tools(error: Exception) -> bool:
    """Tell whether a server calls the request wrong because its model has no tools."""
    return "tool" in str(error).lower() and getattr(error, "status_code", None) in (400, 404, 422, 501)


class _Stopped(Exception):
    """Nobody listens any more."""


def _brake() -> Any:  # noqa: ANN401 - LangChain's callback handler
    """Return what stops a model at its next word once `pulled` is set: closing the graph alone waits for its end."""
    from langchain_core.callbacks import BaseCallbackHandler

    class Brake(BaseCallbackHandler):
        raise_error = True

        def __init__(self) -> None:
            self.pulled = Event()

        def on_llm_new_token(self, *_: object, **__: object) -> None:
            if self.pulled.is_set():
                raise _Stopped

    return Brake()


def _events(stream: Steps[tuple[str, Any], None, None], brake: Any) -> Steps[LoopEvent, None, None]:  # noqa: ANN401
    try:
        yield from _read(stream)
    finally:
        brake.pulled.set()
        with suppress(_Stopped):
            stream.close()


def _read(stream: Iterator[tuple[str, Any]]) -> Iterator[LoopEvent]:
    answer: str | None = None
    for mode, data in stream:
        if mode == "messages":
            chunk, _ = data
            yield from _deltas(chunk)
            continue
        for message in _messages(data):
            if message.type == "ai" and not message.tool_calls:
                answer = str(message.text)
            yield from _steps(message)
    yield ModelReply(answer)


def _deltas(chunk: "AnyMessage") -> Iterator[TextDelta]:
    if chunk.type == "AIMessageChunk" and chunk.text:
        yield TextDelta(str(chunk.text))


def _messages(updates: Mapping[str, Any]) -> "Iterator[AnyMessage]":
    """Yield what each node of the graph added to the conversation."""
    for update in updates.values():
        yield from (update or {}).get("messages", ())


def _steps(message: "AnyMessage") -> Iterator[LoopEvent]:
    if message.type == "ai":
        for call in message.tool_calls:
            yield Called(str(call["id"]), call["name"], call["args"])
    elif message.type == "tool":
        yield Returned(str(message.tool_call_id), str(message.text))


def _langchain_tool(tool: Tool) -> "BaseTool":
    from langchain_core.tools import StructuredTool, ToolException

    def run(**given: Any) -> str:  # noqa: ANN401 - whatever the model sends; the schema is checked by the tool
        try:
            return tool.run(given)
        except KbError as error:
            raise ToolException(f"Error: {error}") from error

    return StructuredTool.from_function(
        run,
        name=tool.name,
        description=tool.description or tool.name,
        args_schema=dict(tool.parameters),
        infer_schema=False,
        handle_tool_error=True,
    )
