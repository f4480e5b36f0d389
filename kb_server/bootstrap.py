"""Wiring: from settings to the use cases. Everything heavy is made at first use and kept."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kb_server.catalog.audit import Audit
from kb_server.catalog.conversations import Conversations
from kb_server.catalog.documents import Documents
from kb_server.catalog.evaluation_cases import EvaluationCases
from kb_server.catalog.jobs import JobKind, Jobs
from kb_server.catalog.kept_files import KeptFiles
from kb_server.catalog.keys import ApiKeys
from kb_server.catalog.notes import Notes
from kb_server.catalog.temporary import TemporaryBases
from kb_server.domain import AnswerMode, Calibration, KnowledgeBase, Sampling, StoredDocument, Technique
from kb_server.errors import KbError, UsageError
from kb_server.folder_splitting import FolderSplitters
from kb_server.generation.extracting import SentenceExtractor
from kb_server.generation.prompts import PromptBuilder
from kb_server.knnlm.building import Shape
from kb_server.mixing import KnnAsk
from kb_server.models import Models
from kb_server.ports import Generator
from kb_server.registry import find_backend
from kb_server.retrieval.assessing import Assessor
from kb_server.retrieval.confidence import ConfidenceModel, untuned
from kb_server.retrieval.hybrid import HybridRetriever
from kb_server.retrieval.reranking import Reranking
from kb_server.services.agent import Agent, AgentOptions
from kb_server.services.answering import Answering, AnsweringOptions, Source
from kb_server.services.base_files import BaseFiles
from kb_server.services.chunk_care import ChunkCare
from kb_server.services.explaining import Explaining, Limits
from kb_server.services.exporting import Exporting
from kb_server.services.file_jobs import FetchWork, IngestWork
from kb_server.services.importing import Importing
from kb_server.services.ingesting import Bulk, Ingestion
from kb_server.services.job_runner import JobRunner, Work
from kb_server.services.jobs import JobDesk
from kb_server.services.keeping import Keeping
from kb_server.services.keys import Caller, Keys, Scope
from kb_server.services.knn_lm import KnnLm
from kb_server.services.knn_measuring import KnnMeasuring
from kb_server.services.knowledge_bases import check_name
from kb_server.services.moving import Moving, OnMoved
from kb_server.services.open_base import OpenBase
from kb_server.services.quotas import Room
from kb_server.services.reading import Load
from kb_server.services.searching import BasesRetriever
from kb_server.services.snapshots import SnapshotService
from kb_server.services.tagging import Tagging
from kb_server.services.tuning import Tuning
from kb_server.services.uploads import UploadFolder
from kb_server.settings import Settings
from kb_server.tools.calculator import calculator
from kb_server.tools.clock import clock
from kb_server.tools.mcp_tools import McpServer, mcp_tools
from kb_server.tools.tool import Tool
from kb_server.web.crawling import Crawler
from kb_server.web.fetching import Fetcher, FetchLimits
from loaders import unpack
from loaders.cleaning import Cleaner
from loaders.isolated import IsolatedLoader
from loaders.isolated import Limits as ReadingLimits
from loaders.kind import detect
from loaders.page_picture import PagePictures

_BUILT_IN = {"calculate": calculator, "current_time": clock}


class Application(Models):
    """The use cases of one home, with its catalog and models."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._tools: dict[str, list[Tool]] = {}
        self._knn: dict[str, KnnLm] = {}

    @cached_property
    def audit(self) -> Audit:
        """Who changed what through the service."""
        return Audit(self._database)

    @cached_property
    def keys(self) -> Keys:
        """API keys."""
        return Keys(ApiKeys(self._database), self.bases, self.audit)

    @cached_property
    def uploads(self) -> UploadFolder:
        """Files on their way in; what they are, their content decides."""
        return UploadFolder(self.settings.home, detect)

    @cached_property
    def jobs(self) -> JobDesk:
        """Jobs as those who ask for them see them."""
        return JobDesk(Jobs(self._database), self.uploads)

    def job_runner(self, works: Mapping[JobKind, Work], told: Callable[[KbError], str] = str) -> JobRunner:
        """Return what does jobs; `told` says what their owners may read of an error."""
        return JobRunner(Jobs(self._database), self.uploads, works, told)

    def room(self, base: str | KnowledgeBase) -> Room:
        """Return what is left of a base's quotas."""
        found = self.bases.find(base) if isinstance(base, str) else base
        options = self.settings.service
        size = None if options.base_megabytes is None else options.base_megabytes << 20
        return Room(self.documents(found), self.base_files(found), options.base_documents, size)

    @property
    def file_works(self) -> dict[JobKind, Work]:
        """What does the jobs that are made of files."""
        rows = Jobs(self._database)
        ingest = IngestWork(rows, self.uploads, self.ingestion)
        fetch = FetchWork(rows, self.uploads, self.ingestion, lambda: self.crawler, self.room)
        return {JobKind.INGEST: ingest, JobKind.FETCH: fetch}

    @cached_property
    def conversations(self) -> Conversations:
        """Conversations that are kept."""
        return Conversations(self._database)

    @cached_property
    def temporary(self) -> TemporaryBases:
        """Bases that are one person's uploaded files."""
        return TemporaryBases(self._database)

    @cached_property
    def notes(self) -> Notes:
        """What bases are about."""
        return Notes(self._database)

    @cached_property
    def kept_files(self) -> Keeping:
        """Files that clients keep here."""
        quota = self.settings.service.kept_megabytes << 20
        return Keeping(KeptFiles(self._database), self.settings.home, quota)

    def documents(self, base: KnowledgeBase) -> Documents:
        """Return the rows of a base's documents and chunks."""
        return Documents(self._database, base.id)

    def evaluation_cases(self, base: KnowledgeBase) -> EvaluationCases:
        """Return the questions that a base is evaluated with."""
        return EvaluationCases(self._database, base.id)

    def base_files(self, base: KnowledgeBase) -> BaseFiles:
        """Return the folder of a base."""
        return BaseFiles(self.settings.home, base.id)

    def original(self, base: KnowledgeBase, document: StoredDocument) -> Path | None:
        """Return where a document's bytes lie, None if they are not kept."""
        return self._shelf.open(base).files.original(document.file) if document.file else None

    def original_sizes(self, base: KnowledgeBase) -> dict[str, int]:
        """Return how many bytes each kept original has, by its generated name."""
        return self._shelf.open(base).files.sizes()

    @cached_property
    def tagging(self) -> Tagging:
        """Putting tags on documents."""
        return Tagging(self.bases, self._shelf)

    @cached_property
    def snapshots(self) -> SnapshotService:
        """Naming, comparing and restoring what a base holds."""
        return SnapshotService(self.bases, self._shelf, self._embedder_of)

    @cached_property
    def exporting(self) -> Exporting:
        """Writing a base into a file."""
        return Exporting(self.bases, self._shelf)

    def import_base(self, file: Path, name: str | None = None, store: str | None = None) -> KnowledgeBase:
        """Make a base from an exported file."""
        if store:
            find_backend("store", store)
        return Importing(self.bases, self._shelf).run(file, name, store)

    def migrate(self, name: str, store: str, on_moved: OnMoved) -> KnowledgeBase:
        """Move a base's vectors to another store."""
        find_backend("store", store)
        return Moving(self.bases, self._shelf).migrate(name, store, on_moved)

    def reindex(self, name: str, model: str, on_moved: OnMoved) -> KnowledgeBase:
        """Embed a base with another model."""
        self.bases.find(name)
        return Moving(self.bases, self._shelf).reindex(name, model, self.embedder(model), on_moved)

    def create(
        self,
        name: str,
        store: str | None = None,
        embedding_model: str | None = None,
        splitting: Mapping[str, Any] | None = None,
    ) -> KnowledgeBase:
        """Make a base with the given or the configured store and embedder, and perhaps its own way of splitting."""
        check_name(name)
        own = self.settings.splitting.splitting(splitting) if splitting else None
        store = store or self.settings.store.backend
        find_backend("store", store)
        model = embedding_model or self.settings.embedding.model
        return self.knowledge_bases.create(name, store, model, self.embedder(model), own)

    @property
    def load(self) -> Load:
        """What reads files, in processes of their own."""
        return self._loader.load

    def ingestion(self, name: str, bulk: Bulk | None = None) -> Ingestion:
        """Return the use case that puts files into a base; `bulk` reads and embeds in the place of this process."""
        opened = self._open(name)
        splitting = opened.base.splitting or self.settings.splitting.splitting()
        embedder, workers = self._embedder_of(opened.base), self.settings.loading.workers
        if bulk:
            embedder, workers = bulk.embedder(embedder, opened.base.embedder), bulk.processors
        cleaning = self.settings.cleaning
        cleaner = Cleaner(cleaning.boilerplate, cleaning.low_quality, cleaning.redact)
        splitter_for = FolderSplitters(splitting).of
        load: Load = bulk.load if bulk else self.load
        retune = lambda: self.tuning(name).refresh()  # noqa: E731
        return Ingestion(opened, self.bases, embedder, splitter_for, load, cleaner, unpack, workers, retune)

    @cached_property
    def page_pictures(self) -> PagePictures:
        """What draws pages of PDF files."""
        return PagePictures(self._reading_limits, self._passwords)

    @cached_property
    def crawler(self) -> Crawler:
        """What fetches pages from the web."""
        web = self.settings.web
        return Crawler(Fetcher(FetchLimits(web.seconds, web.megabytes, web.redirects)), web.pages)

    def tuning(self, name: str) -> Tuning:
        """Return the use case that fits a base's settings to its own text."""
        opened = self._open(name)
        return Tuning(opened, self.bases, self._embedder_of(opened.base), self.reranker)

    def chunk_care(self, name: str) -> ChunkCare:
        """Return the use case that takes single chunks out of search and puts them back."""
        opened = self._open(name)
        return ChunkCare(opened, self._embedder_of(opened.base))

    def retriever(self, base: str | KnowledgeBase) -> HybridRetriever:
        """Return the use case that finds passages of a base; a row that was just read is not read again."""
        opened = self._open(base)
        embedder, fusion = self._embedder_of(opened.base), opened.base.fusion
        parts = (embedder, opened.store, opened.lexical, opened.documents, fusion)
        return HybridRetriever(*parts, self._reranking(opened))

    def explaining(self, name: str, k: int | None = None) -> Explaining:
        """Return the use case that says why a passage of a base was found or not."""
        opened, threshold = self._open(name), self.settings.answering.threshold
        limits = Limits(k or self.settings.retrieval.k, threshold, self._calibration(opened).passages)
        return Explaining(self.retriever(name), opened.documents, limits)

    @property
    def sampling(self) -> Sampling:
        """How answers are written unless a caller wants it otherwise."""
        options = self.settings.generation
        return Sampling(
            options.max_tokens,
            options.temperature,
            options.top_p,
            options.seed,
            options.top_k,
            options.repetition_penalty,
            options.stop,
        )

    def answering(
        self,
        names: str | Sequence[str],
        sampling: Sampling | None = None,
        generator: Callable[[], Generator] | None = None,
    ) -> Answering:
        """Return the use case that answers from a base, or from several in one answer.

        It is as configured where sampling or generator are not given.
        """
        asked = _each(names)
        answering = self.settings.answering
        return Answering(
            {name: self._source(name) for name in asked},
            PromptBuilder(answering.prompts, answering.examples),
            generator or (lambda: self.generator),
            AnsweringOptions(
                self._passages(asked),
                answering.sentences,
                answering.threshold,
                sampling or self.sampling,
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
            PromptBuilder(self.settings.answering.prompts),
            lambda: self.generator,
            [*(_BUILT_IN[tool]() for tool in options.tools), *self._outside_tools(caller)],
            AgentOptions(options.calls, sampling or self.sampling, self._passages(asked)),
        )

    def _source(self, name: str) -> Source:
        opened = self._open(name)
        calibration = self._calibration(opened)
        return Source(
            self.retriever(name),
            Assessor(opened.lexical, ConfidenceModel(calibration.weights)),
            SentenceExtractor(self._embedder_of(opened.base), opened.lexical),
            opened.base.fusion,
            calibration.refuse_below,
        )

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

    def knn_lm(self, name: str) -> KnnLm:
        """Return the use case that makes a base's datastore and mixes it into answers, one for each base."""
        opened = self._open(name)
        with self._lock:
            if opened.base.id not in self._knn:
                shape = Shape(dimension=self.settings.knn_lm.dimension)
                self._knn[opened.base.id] = KnnLm(opened, self._next_token_model, shape)
            return self._knn[opened.base.id]

    def knn_measuring(self, name: str) -> KnnMeasuring:
        """Return the use case that tunes a base's datastore and says what it is worth."""
        return KnnMeasuring(self.knn_lm(name))

    def knn_ask(
        self, wanted: bool | Mapping[str, Any] | None, mode: AnswerMode | None, bases: int = 1
    ) -> tuple[AnswerMode, KnnAsk | None]:
        """Return how to answer, and with which neighbours: kNN-LM that is asked for by name calls for a written answer.

        `wanted` None is as the settings say, which are about answers from one base; a mapping changes single options.
        """
        settings = self.settings.knn_lm
        if wanted is None:
            mode = mode or self.settings.answering.mode
            takes_part = settings.enabled and mode is AnswerMode.GENERATE and bases == 1
            return mode, settings.ask() if takes_part else None
        if wanted is False:
            return mode or self.settings.answering.mode, None
        if mode not in (None, AnswerMode.GENERATE):
            raise UsageError(
                f"kNN-LM takes part in what the model writes; mode '{mode}' does without.",
                "Use mode generate, or leave kNN-LM out.",
            )
        return mode or AnswerMode.GENERATE, settings.ask(None if wanted is True else wanted)

    def _reranking(self, opened: OpenBase) -> Reranking | None:
        depth = self.settings.reranking.depth or self._calibration(opened).rerank_depth
        return Reranking(self.reranker, depth) if self.reranker else None

    def _calibration(self, opened: OpenBase) -> Calibration:
        """Return how the base is asked: settings that are given, else what was tuned, else what suits most bases."""
        tuned, answering = opened.base.calibration or untuned(len(opened.lexical)), self.settings.answering
        bound = tuned.refuse_below if answering.refuse_below is None else answering.refuse_below
        return replace(tuned, refuse_below=bound, passages=answering.passages or tuned.passages)

    def free_disk(self) -> int:
        """Return the bytes that are free where the data lies."""
        return shutil.disk_usage(self.settings.home).free

    def close(self) -> None:
        """End worker processes; close bases and the catalog."""
        if "_loader" in self.__dict__:
            self._loader.close()
        if "page_pictures" in self.__dict__:
            self.page_pictures.close()
        super().close()

    @cached_property
    def _loader(self) -> IsolatedLoader:
        options = {"pictures": self.settings.loading.pictures, "passwords": self._passwords}
        return IsolatedLoader(self._reading_limits, options=options)

    @property
    def _passwords(self) -> list[str]:
        return [password.get_secret_value() for password in self.settings.loading.passwords]

    @property
    def _reading_limits(self) -> ReadingLimits:
        return ReadingLimits(self.settings.loading.seconds, self.settings.loading.memory_mb)

    def _open(self, base: str | KnowledgeBase) -> OpenBase:
        return self._shelf.open(self.bases.find(base) if isinstance(base, str) else base)


def _each(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
