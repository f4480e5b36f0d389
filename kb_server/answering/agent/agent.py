"""Answering with tools: the model searches, calculates and looks things up until it can answer, each step shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from time import perf_counter
from typing import Any

from kb_server.answering.agent.loop import Called, ModelReply, Returned, TextDelta, run_agent
from kb_server.answering.agent.tools import Tool, parameters, text_of
from kb_server.answering.answering import ResolvedQuestion, refusal, refuses
from kb_server.answering.citations.citing import Cited, cite_written
from kb_server.answering.prompts import PromptBuilder
from kb_server.core.answers import Answer, AnswerEvent, Done, Message, Retrieved, Step, Token
from kb_server.core.domain import Hit
from kb_server.core.errors import Forbidden, UsageError
from kb_server.core.ports import Generator, Retriever
from kb_server.text.terms import script

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
