"""Asking: what was asked is resolved once, for every caller alike, and answered in events.

The command line, our own routes, those of OpenAI's, Chatchat's and MCP's clients, evaluations and the demo all ask
here; what they do not say is as the settings have it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kb_server.access.keys import LOCAL, Caller, Scope
from kb_server.answering.agent.agent import Agent, AgentOptions
from kb_server.answering.agent.mcp_tools import McpServer, mcp_tools
from kb_server.answering.agent.tools import Tool, calculator, clock
from kb_server.answering.answering import Answerer, Answering, AnsweringOptions, AnswerSource, ResolvedQuestion
from kb_server.answering.extract import SentenceExtractor
from kb_server.answering.prompts import PromptBuilder
from kb_server.answering.refusal.confidence import Assessor
from kb_server.config.models import Models
from kb_server.config.settings import Settings
from kb_server.core.answers import Answer, AnswerEvent, AnswerMode, Done, Message, Technique
from kb_server.core.domain import Filter, KnowledgeBase
from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import KnnAsk
from kb_server.core.ports import Generator
from kb_server.knnlm.service import KnnLmService
from kb_server.search.calibration import mean_calibration
from kb_server.search.service import ReadyBase, SearchService
from kb_server.search.several import BasesRetriever

_BUILT_IN = {"calculate": calculator, "current_time": clock}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question as it is put; what is None is as the settings say.

    `history` is the conversation before it. `mode` without a word is what the rest calls for: naming a model, a prompt
    or kNN-LM calls for a written answer. `knn` False is without it, a mapping changes single options. `k` is how many
    passages are shown; `threshold` the least score, 0..1, of one that is used; `most_passages` is from how many an
    answer is made at most.
    """

    question: str
    history: Sequence[Message] = ()
    mode: AnswerMode | None = None
    k: int | None = None
    filters: Filter | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    knn: bool | Mapping[str, Any] | None = None
    threshold: float | None = None
    reasoning: bool | None = None
    samples: int | None = None
    model: str | None = None
    prompt: str | None = None
    most_passages: int | None = None

    def mode_or(self, usual: AnswerMode) -> AnswerMode:
        """Return the mode of the answer: the one that is named, or that what is named calls for, or the usual one."""
        writes = self.model is not None or self.prompt is not None or self.wants_knn
        return self.mode or (AnswerMode.GENERATE if writes else usual)

    @property
    def wants_knn(self) -> bool:
        """Whether kNN-LM is asked for by name."""
        return self.knn not in (None, False)


class AnsweringService:
    """Answers questions from the knowledge bases of one home."""

    def __init__(
        self,
        settings: Settings,
        models: Models,
        search: SearchService,
        knn_lm: KnnLmService,
        generator: Callable[[str | None], Generator] | None = None,
    ) -> None:
        self._settings = settings
        self._models = models
        self._search = search
        self._knn_lm = knn_lm
        self._generator = generator or models.generator
        self._tools: dict[str, list[Tool]] = {}

    def written_by(self, generator: Callable[[str | None], Generator]) -> "AnsweringService":
        """Return the same with other language models: `generator` gives the one of a name."""
        return AnsweringService(self._settings, self._models, self._search, self._knn_lm, generator)

    @property
    def prompts(self) -> PromptBuilder:
        """What makes prompts."""
        return PromptBuilder(self._settings.answering.prompts, self._settings.answering.examples)

    def resolve(self, ask: Ask, bases: int = 1) -> ResolvedQuestion:
        """Return the question with everything decided that it leaves open; `bases` is how many are asked.

        Raises NotFound for an unknown model or prompt, and UsageError for what does not go together.
        """
        answering = self._settings.answering
        mode = ask.mode_or(answering.mode)
        changes = {"max_tokens": ask.max_tokens, "temperature": ask.temperature, "top_p": ask.top_p}
        given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
        sampling = replace(self._models.sampling(ask.model), **given)
        self.prompts.check(ask.prompt)
        _refuse_names(ask, mode)
        return ResolvedQuestion(
            question=ask.question,
            mode=mode,
            k=ask.k or self._settings.retrieval.k,
            filters=ask.filters,
            history=tuple(ask.history),
            technique=Technique(
                answering.reasoning if ask.reasoning is None else ask.reasoning, ask.samples or answering.samples
            ),
            threshold=answering.threshold if ask.threshold is None else ask.threshold,
            sampling=sampling,
            knn=self._neighbours(ask, mode, bases),
            model=ask.model,
            prompt=ask.prompt,
            most_passages=ask.most_passages,
        )

    def events(self, ask: Ask, bases: Sequence[KnowledgeBase], caller: Caller = LOCAL) -> Iterator[AnswerEvent]:
        """Return Retrieved, Tokens, Steps of an agent, and last Done. Closing the iterator stops the model.

        The bases are asked as one. Raises here what `resolve` and `answerer` raise.
        """
        asked = self.resolve(ask, len({base.id for base in bases}))
        return self.answerer(asked, bases, caller).stream(asked)

    def answer(self, ask: Ask, bases: Sequence[KnowledgeBase], caller: Caller = LOCAL) -> Answer:
        """Return the whole answer: the last event."""
        return whole_answer(self.events(ask, bases, caller))

    def answerer(self, asked: ResolvedQuestion, bases: Sequence[KnowledgeBase], caller: Caller = LOCAL) -> Answerer:
        """Return what answers a question from these bases; a row that was read is not read again.

        `caller` says which tools an agent has. Raises ModelMismatch, or GenerationFailed if a server of tools is away.
        """
        ready = [self._search.ready(base) for base in {base.id: base for base in bases}.values()]
        if asked.mode is AnswerMode.AGENT:
            return self._agent(ready, caller)
        return Answering(
            {one.base.name: _source(one) for one in ready},
            self._assessor(ready),
            self.prompts,
            self._generator,
            AnsweringOptions(passages=_passages(ready), sentences=self._settings.answering.sentences),
            lambda: self._knn_lm.of(bases[0]),
        )

    def _agent(self, ready: Sequence[ReadyBase], caller: Caller) -> Agent:
        """Return what answers with tools: those that the settings list and the caller may use.

        Raises GenerationFailed if a server of tools does not answer.
        """
        options = self._settings.agent
        tools = [*(_BUILT_IN[name]() for name in options.tools), *self._outside_tools(caller)]
        retriever = BasesRetriever({one.base.name: one.retriever for one in ready})
        return Agent(retriever, self.prompts, self._generator, tools, AgentOptions(options.calls, _passages(ready)))

    def _outside_tools(self, caller: Caller) -> Iterator[Tool]:
        for listed in self._settings.agent.mcp:
            if caller.may(Scope(listed.scope)):
                if listed.name not in self._tools:  # without a lock: of a server that is away all hear at once
                    server = McpServer(
                        listed.name, listed.command, listed.url, listed.tools, listed.after_documents, listed.seconds
                    )
                    self._tools[listed.name] = mcp_tools(server)
                yield from self._tools[listed.name]

    def _assessor(self, ready: Sequence[ReadyBase]) -> Assessor:
        """Return what judges bases as one: by the mean of what they were tuned to, or else by what suits their size."""
        chunks = [one.chunks for one in ready]
        calibrations = [self._search.calibration(one.opened, sum(chunks)) for one in ready]
        return Assessor([one.opened.lexical for one in ready], mean_calibration(calibrations, chunks))

    def _neighbours(self, ask: Ask, mode: AnswerMode, bases: int) -> KnnAsk | None:
        """Return how kNN-LM takes part: as asked, else as the settings say of one base and their own model."""
        is_own = ask.model in (None, self._settings.generation.name)
        if ask.wants_knn:
            return self._wanted_neighbours(ask, mode, is_own=is_own)
        settings = self._settings.knn_lm
        takes_part = ask.knn is None and settings.enabled and mode is AnswerMode.GENERATE and is_own and bases == 1
        return settings.ask() if takes_part else None

    def _wanted_neighbours(self, ask: Ask, mode: AnswerMode, *, is_own: bool) -> KnnAsk:
        if mode is not AnswerMode.GENERATE:
            raise UsageError(
                f"kNN-LM takes part in what the model writes; mode '{mode}' does without.",
                "Use mode generate, or leave kNN-LM out.",
            )
        if not is_own:
            own = self._settings.generation.name
            raise UsageError(f"kNN-LM takes part in what '{own}' writes.", "Name no other model, or leave kNN-LM out.")
        asked = self._settings.knn_lm.ask(ask.knn if isinstance(ask.knn, Mapping) else None)
        if asked.closed_book and ask.prompt:
            raise UsageError("A closed book has no prompt but the question.", "Name no prompt, or open the book.")
        return asked


def _refuse_names(ask: Ask, mode: AnswerMode) -> None:
    """Raise UsageError where a model or a prompt is named that the mode does without."""
    named = "prompt" if ask.prompt else "model" if ask.model is not None else None
    if named and (mode is AnswerMode.EXTRACT or (ask.prompt and mode is AnswerMode.AGENT)):
        raise UsageError(
            f"Mode '{mode}' does without the {named} that is named.", "Use mode generate, or do not name it."
        )


def _source(ready: ReadyBase) -> AnswerSource:
    lexical = ready.opened.lexical
    return AnswerSource(
        searcher=ready.retriever,
        assessor=Assessor([lexical], ready.calibration),
        extractor=SentenceExtractor(ready.embedder, lexical),
        fusion=ready.base.fusion,
    )


def _passages(ready: Sequence[ReadyBase]) -> int:
    """Return from how many passages an answer is made: as many as the base that wants most."""
    return max(one.calibration.passages for one in ready)


def whole_answer(events: Iterable[AnswerEvent]) -> Answer:
    """Return the answer that events end with."""
    *_, last = events
    if not isinstance(last, Done):
        raise TypeError(f"an answer ended with {last!r}")
    return last.answer
