"""Answering with tools: the model searches, calculates and looks things up until it can answer, each step shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as Steps
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any

from kb_server.answering.agent.tools import Tool, parameters, text_of
from kb_server.answering.answering import ResolvedQuestion, refusal, refuses
from kb_server.answering.citations.citing import Cited, cite_written
from kb_server.answering.prompts import PromptBuilder
from kb_server.core.answers import Answer, AnswerEvent, Done, Message, Retrieved, Sampling, Step, Token
from kb_server.core.domain import Hit
from kb_server.core.errors import CannotCallTools, Forbidden, KbError, MissingExtra, UsageError
from kb_server.core.ports import Generator, Retriever, ToolCalling
from kb_server.text.terms import script

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage
    from langchain_core.tools import BaseTool

_INSTALL = "Run: pip install 'kb-server[chat-models]'"

_HINT = "Set generation.backend to langchain, with a model and server that call tools; see docs/agent.md."


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
        raise CannotCallTools(f"The model '{generator.name}' runs inside the service and cannot call tools.", _HINT)
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
            raise CannotCallTools(f"The model '{generator.name}' cannot call tools.", _HINT) from error
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


SEARCH = "search_documents"

_NO_ANSWER = {
    "other": "No answer was reached within {} steps.",
    "cjk": "在 {} 步之内没有得出答案。",
}

_LONGEST_SHOWN = 2000  # characters of what a tool gave back, in an event

_LONGEST_READ = 20_000  # in what the model reads


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """How often the model may be asked for one answer, and how many passages a search gives it."""

    calls: int
    passages: int


@dataclass(slots=True)
class _Progress:
    """What came of an answer so far. Once document text `was_read`, no tool that reaches outside is run.

    Tools that are called at once run at once, hence the lock.
    """

    was_read: bool
    lock: Lock = field(default_factory=Lock)
    hits: list[Hit] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)


class Agent:
    """Answers about the bases of a retriever with tools. It is asked like `Answering`."""

    def __init__(
        self,
        retriever: Retriever,
        prompts: PromptBuilder,
        generator: Callable[[str | None], Generator],
        tools: Sequence[Tool],
        options: AgentOptions,
    ) -> None:
        self._retriever = retriever
        self._prompts = prompts
        self._generator = generator
        self._tools = tools
        self._options = options

    def stream(self, asked: ResolvedQuestion) -> Iterator[AnswerEvent]:
        """Yield Steps, Retrieved after each search, Tokens, and last Done. A Step makes the Tokens before it void."""
        started, timings = perf_counter(), {"retrieve": 0.0}
        generator = self._generator(asked.model)
        progress = _Progress(was_read=any(message.role == "assistant" for message in asked.history))
        messages = [Message("system", self._prompts.agent(asked.question)), *asked.history]
        messages.append(Message("user", asked.question))
        tools = [self._search(asked, progress, timings), *self._guarded_tools(progress)]
        said: str | None = None
        for event in run_agent(generator, messages, tools, asked.sampling, self._options.calls):
            match event:
                case TextDelta(text):
                    timings.setdefault("first_token", _milliseconds(started))
                    yield Token(text)
                case Called(id_, tool, arguments):
                    progress.steps[id_] = Step(number=len(progress.steps) + 1, tool=tool, arguments=arguments)
                    yield progress.steps[id_]
                case Returned(id_, text):
                    yield from _returned(progress, id_, text)
                case ModelReply(text):
                    said = text
        cited, refused = self._judged(asked.question, said, progress.hits)
        timings["total"] = _milliseconds(started)
        model = asked.model or generator.name
        answer = Answer(
            text=cited.text,
            refused=refused,
            citations=cited.citations,
            hits=tuple(progress.hits),
            mode=asked.mode,
            model=model,
            timings_ms=timings,
        )
        yield Done(replace(answer, steps=tuple(progress.steps.values())))

    def _judged(self, question: str, said: str | None, hits: Sequence[Hit]) -> tuple[Cited, bool]:
        """Return the answer checked against what was found, and whether it is none."""
        if said is None:
            return Cited(_NO_ANSWER[script(question)].format(self._options.calls), ()), True
        text = said.strip()
        if refuses(text):
            return refusal(question), True
        return (cite_written(text, hits) if hits else Cited(text, ())), False

    def _guarded_tools(self, progress: _Progress) -> list[Tool]:
        return [_guarded(tool, progress) for tool in self._tools]

    def _search(self, asked: ResolvedQuestion, progress: _Progress, timings: dict[str, float]) -> Tool:
        def run(given: Mapping[str, Any]) -> str:
            question = text_of(given, "question").strip()
            if not question:
                raise UsageError("The question is empty.", "Say what to look for.")
            started = perf_counter()
            found = self._retriever.retrieve(question, self._options.passages, asked.filters)
            progress.was_read = True
            timings["retrieve"] = round(timings["retrieve"] + _milliseconds(started), 1)
            with progress.lock:
                return _passages(progress, found)

        return Tool(
            SEARCH,
            "Find passages in the user's documents. Returns numbered passages.",
            parameters({"question": "What to look for, as a whole question in the language of the documents."}),
            run,
        )


def _guarded(tool: Tool, progress: _Progress) -> Tool:
    """Refuse a tool that reaches outside once document text was read, and cut what any gives back."""

    def run(given: Mapping[str, Any]) -> str:
        if tool.outside and progress.was_read:
            raise Forbidden(f"'{tool.name}' is not run after text of documents was read.", "Answer with what you have.")
        return tool.run(given)[:_LONGEST_READ]

    return Tool(tool.name, tool.description, tool.parameters, run, tool.outside)


def _returned(progress: _Progress, id_: str, text: str) -> Iterator[AnswerEvent]:
    begun = progress.steps[id_]
    progress.steps[id_] = Step(
        number=begun.number, tool=begun.tool, arguments=begun.arguments, result=text[:_LONGEST_SHOWN]
    )
    yield progress.steps[id_]
    if begun.tool == SEARCH:
        yield Retrieved(tuple(progress.hits))


def _passages(progress: _Progress, found: Sequence[Hit]) -> str:
    """Return what was found as numbered passages; one that was found before keeps its number."""
    known = {hit.chunk.id for hit in progress.hits}
    progress.hits += [hit for hit in found if hit.chunk.id not in known]
    numbers = {hit.chunk.id: number for number, hit in enumerate(progress.hits, 1)}
    return "\n\n".join(_passage(numbers[hit.chunk.id], hit) for hit in found) or "Nothing was found."


def _passage(number: int, hit: Hit) -> str:
    page = "" if hit.chunk.page is None else f", page {hit.chunk.page}"
    return f"[{number}] ({hit.chunk.document}{page}) {hit.chunk.searchable}"


def _milliseconds(started: float) -> float:
    return round(1000 * (perf_counter() - started), 1)
