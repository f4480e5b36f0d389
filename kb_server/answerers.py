"""Wiring of what finds passages and answers questions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kb_server.access.keys import Caller, Scope
from kb_server.answering.agent.agent import Agent, AgentOptions
from kb_server.answering.agent.mcp_tools import McpServer, mcp_tools
from kb_server.answering.agent.tools import Tool, calculator, clock
from kb_server.answering.answering import Answering, AnsweringOptions, AnswerSource
from kb_server.answering.extract import SentenceExtractor
from kb_server.answering.prompts import PromptBuilder
from kb_server.answering.refusal.confidence import Assessor, mean_calibration, untuned
from kb_server.bases.open_base import OpenBase
from kb_server.catalog.documents import Documents
from kb_server.config.settings import Settings
from kb_server.core.answers import AnswerMode, Sampling, Technique
from kb_server.core.domain import Calibration, KnowledgeBase
from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import KnnAsk
from kb_server.core.ports import Generator
from kb_server.knnlm.datastore.build import DatastoreShape
from kb_server.knnlm.knn_lm import KnnLm
from kb_server.knnlm.measure import KnnMeasurement
from kb_server.models import Models
from kb_server.search.explain import Explainer, ExplainLimits
from kb_server.search.hybrid import HybridRetriever, Reranking
from kb_server.search.several import BasesRetriever

_BUILT_IN = {"calculate": calculator, "current_time": clock}


class Answerers(Models):
    """What finds and answers, from the bases of one home."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._tools: dict[str, list[Tool]] = {}
        self._knn: dict[str, KnnLm] = {}

    def documents(self, base: KnowledgeBase) -> Documents:
        """Return the rows of a base's documents and chunks."""
        return Documents(self._database, base.id)

    def retriever(self, base: str | KnowledgeBase) -> HybridRetriever:
        """Return the use case that finds passages of a base; a row that was just read is not read again."""
        opened = self._open(base)
        embedder, fusion = self._embedder_of(opened.base), opened.base.fusion
        parts = (embedder, opened.store, opened.lexical, opened.documents, fusion)
        return HybridRetriever(*parts, self._reranking(opened))

    def explaining(self, name: str, k: int | None = None) -> Explainer:
        """Return the use case that says why a passage of a base was found or not."""
        opened, threshold = self._open(name), self.settings.answering.threshold
        limits = ExplainLimits(k or self.settings.retrieval.k, threshold, self._calibration(opened).passages)
        return Explainer(self.retriever(name), opened.documents, limits)

    def sampling(self, model: str | None = None) -> Sampling:
        """Return how a model writes unless a caller wants it otherwise."""
        options = self.model_section(model)
        return Sampling(
            options.max_tokens,
            options.temperature,
            options.top_p,
            options.seed,
            options.top_k,
            options.repetition_penalty,
            options.stop,
        )

    @property
    def prompts(self) -> PromptBuilder:
        """What makes prompts."""
        return PromptBuilder(self.settings.answering.prompts, self.settings.answering.examples)

    def answering(
        self,
        names: str | Sequence[str],
        sampling: Sampling | None = None,
        generator: Callable[[str | None], Generator] | None = None,
    ) -> Answering:
        """Return the use case that answers from a base, or from several in one answer.

        It is as configured where sampling or generator are not given.
        """
        asked = _each(names)
        answering = self.settings.answering
        return Answering(
            {name: self._source(name) for name in asked},
            self._assessor(asked),
            self.prompts,
            generator or self.generator_named,
            AnsweringOptions(
                self._passages(asked),
                answering.sentences,
                answering.threshold,
                sampling or self.sampling(),
                Technique(answering.reasoning, answering.samples),
            ),
            lambda: self.knn_lm(asked[0]),
        )

    def agent(self, names: str | Sequence[str], caller: Caller, sampling: Sampling | None = None) -> Agent:
        """Return the use case that answers with tools: those that the settings list and the caller may use.

        Raises GenerationFailed if a server of tools does not answer.
        """
        options, asked = self.settings.agent, _each(names)
        return Agent(
            BasesRetriever({name: self.retriever(name) for name in asked}),
            self.prompts,
            self.generator_named,
            [*(_BUILT_IN[tool]() for tool in options.tools), *self._outside_tools(caller)],
            AgentOptions(options.calls, sampling or self.sampling(), self._passages(asked)),
        )

    def knn_lm(self, name: str) -> KnnLm:
        """Return the use case that makes a base's datastore and mixes it into answers, one for each base."""
        opened = self._open(name)
        with self._lock:
            if opened.base.id not in self._knn:
                shape = DatastoreShape(dimension=self.settings.knn_lm.dimension)
                self._knn[opened.base.id] = KnnLm(opened, self._next_token_model, shape)
            return self._knn[opened.base.id]

    def knn_measuring(self, name: str) -> KnnMeasurement:
        """Return the use case that tunes a base's datastore and says what it is worth."""
        return KnnMeasurement(self.knn_lm(name))

    def way(
        self,
        mode: AnswerMode | None = None,
        knn: bool | Mapping[str, Any] | None = None,
        model: str | None = None,
        prompt: str | None = None,
        bases: int = 1,
    ) -> tuple[AnswerMode, KnnAsk | None]:
        """Return how to answer, and with which neighbours: what is named for writing calls for a written answer.

        `knn` None is as the settings say, which are about answers of their model from one base; a mapping changes
        single options. Raises NotFound for an unknown name, and UsageError for what does not go together.
        """
        names_writing = model is not None or prompt is not None
        wants_knn = knn not in (None, False)
        chosen = mode or (AnswerMode.GENERATE if names_writing or wants_knn else self.settings.answering.mode)
        self.model_section(model)
        self.prompts.check(prompt)
        if names_writing and (chosen is AnswerMode.EXTRACT or (prompt and chosen is AnswerMode.AGENT)):
            raise UsageError(
                f"Mode '{chosen}' does without the {'prompt' if prompt else 'model'} that is named.",
                "Use mode generate, or do not name it.",
            )
        is_own = model in (None, self.settings.generation.name)
        if wants_knn:
            return chosen, self._knn_ask(chosen, knn, prompt, is_own=is_own)
        settings = self.settings.knn_lm
        takes_part = knn is None and settings.enabled and chosen is AnswerMode.GENERATE and is_own and bases == 1
        return chosen, settings.ask() if takes_part else None

    def _knn_ask(
        self, mode: AnswerMode, wanted: bool | Mapping[str, Any] | None, prompt: str | None, *, is_own: bool
    ) -> KnnAsk:
        if mode is not AnswerMode.GENERATE:
            raise UsageError(
                f"kNN-LM takes part in what the model writes; mode '{mode}' does without.",
                "Use mode generate, or leave kNN-LM out.",
            )
        if not is_own:
            own = self.settings.generation.name
            raise UsageError(f"kNN-LM takes part in what '{own}' writes.", "Name no other model, or leave kNN-LM out.")
        asked = self.settings.knn_lm.ask(None if isinstance(wanted, bool) else wanted)
        if asked.closed_book and prompt:
            raise UsageError("A closed book has no prompt but the question.", "Name no prompt, or open the book.")
        return asked

    def _source(self, name: str) -> AnswerSource:
        opened = self._open(name)
        return AnswerSource(
            self.retriever(name),
            Assessor([opened.lexical], self._calibration(opened)),
            SentenceExtractor(self._embedder_of(opened.base), opened.lexical),
            opened.base.fusion,
        )

    def _assessor(self, names: Sequence[str]) -> Assessor:
        """Return what judges bases as one: by the mean of what they were tuned to, or else by what suits their size."""
        opened = [self._open(name) for name in names]
        chunks = [len(one.lexical) for one in opened]
        calibrations = [self._calibration(one, sum(chunks)) for one in opened]
        return Assessor([one.lexical for one in opened], mean_calibration(calibrations, chunks))

    def _passages(self, names: Sequence[str]) -> int:
        """Return from how many passages an answer is made: as many as the base that wants most."""
        return max(self._calibration(self._open(name)).passages for name in names)

    def _outside_tools(self, caller: Caller) -> Iterator[Tool]:
        for listed in self.settings.agent.mcp:
            if not caller.may(Scope(listed.scope)):
                continue
            if listed.name not in self._tools:
                server = McpServer(
                    listed.name, listed.command, listed.url, listed.tools, listed.after_documents, listed.seconds
                )
                self._tools[listed.name] = mcp_tools(server)
            yield from self._tools[listed.name]

    def _reranking(self, opened: OpenBase) -> Reranking | None:
        depth = self.settings.reranking.depth or self._calibration(opened).rerank_depth
        return Reranking(self.reranker, depth) if self.reranker else None

    def _calibration(self, opened: OpenBase, chunks: int | None = None) -> Calibration:
        """Return how the base is asked: settings that are given, else what was tuned, else what suits its size.

        `chunks` is how many it is asked together with, its own included.
        """
        size = len(opened.lexical) if chunks is None else chunks
        tuned, answering = opened.base.calibration or untuned(size), self.settings.answering
        bound = tuned.refuse_below if answering.refuse_below is None else answering.refuse_below
        return replace(tuned, refuse_below=bound, passages=answering.passages or tuned.passages)

    def _open(self, base: str | KnowledgeBase) -> OpenBase:
        return self._shelf.open(self.bases.find(base) if isinstance(base, str) else base)


def _each(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
