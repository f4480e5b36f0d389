"""Wiring: from settings to the use cases. Everything heavy is made at first use and kept."""

from functools import cached_property
from pathlib import Path
from typing import Any

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.domain import KnowledgeBase, Sampling
from kb_server.embedding.cached import CachedEmbedder
from kb_server.errors import ModelMismatch
from kb_server.generation.extracting import SentenceExtractor
from kb_server.generation.prompts import PromptBuilder
from kb_server.ports import Embedder, Generator, VectorStore
from kb_server.registry import find_backend
from kb_server.retrieval.hybrid import HybridRetriever
from kb_server.services.answering import Answering, AnsweringOptions
from kb_server.services.exporting import Exporting
from kb_server.services.importing import Importing
from kb_server.services.ingesting import Ingestion
from kb_server.services.knowledge_bases import KnowledgeBases, check_name
from kb_server.services.moving import Moving, OnMoved
from kb_server.services.open_base import OpenBase
from kb_server.services.shelf import Shelf
from kb_server.services.snapshots import SnapshotService
from kb_server.settings import Settings
from loaders import load
from loaders.splitter import SentenceSplitter


class Application:
    """The use cases of one home, with its catalog and models."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._embedders: dict[str, Embedder] = {}

    @cached_property
    def bases(self) -> Bases:
        """The catalog's knowledge bases."""
        return Bases(self._database)

    @cached_property
    def knowledge_bases(self) -> KnowledgeBases:
        """Creating, listing and deleting bases."""
        return KnowledgeBases(self.bases, self._shelf)

    @cached_property
    def snapshots(self) -> SnapshotService:
        """Naming, comparing and restoring what a base holds."""
        return SnapshotService(self.bases, self._shelf, self._embedder_of)

    @cached_property
    def exporting(self) -> Exporting:
        """Writing a base into a file."""
        return Exporting(self.bases, self._shelf)

    def index(self, base: KnowledgeBase) -> dict[str, Any]:
        """Say which index a base has, its parameters and its measured recall, without opening it."""
        store = find_backend("store", base.store)
        folder = self._shelf.folder(base)
        described: dict[str, Any] = store.describe(folder, base.dimension, **self.settings.store.options(base.store))
        return {"dimension": base.dimension, **described}

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

    def create(self, name: str, store: str | None = None, embedding_model: str | None = None) -> KnowledgeBase:
        """Make a base with the given or the configured store and embedder."""
        check_name(name)
        store = store or self.settings.store.backend
        find_backend("store", store)
        model = embedding_model or self.settings.embedding.model
        return self.knowledge_bases.create(name, store, model, self.embedder(model))

    def ingestion(self, name: str) -> Ingestion:
        """Return the use case that puts files into a base."""
        opened = self._open(name)
        splitting = self.settings.splitting
        splitter = SentenceSplitter(splitting.size, splitting.overlap)
        return Ingestion(opened, self.bases, self._embedder_of(opened.base), splitter, load)

    def retriever(self, name: str) -> HybridRetriever:
        """Return the use case that finds passages of a base."""
        opened = self._open(name)
        embedder = self._embedder_of(opened.base)
        return HybridRetriever(embedder, opened.store, opened.lexical, opened.documents, opened.base.fusion)

    def answering(self, name: str) -> Answering:
        """Return the use case that answers from a base."""
        opened = self._open(name)
        answering, generation = self.settings.answering, self.settings.generation
        sampling = Sampling(generation.max_tokens, generation.temperature, generation.top_p, generation.seed)
        return Answering(
            self.retriever(name),
            SentenceExtractor(self._embedder_of(opened.base), opened.lexical),
            PromptBuilder(answering.prompts),
            lambda: self.generator,
            opened.base.fusion,
            AnsweringOptions(answering.passages, answering.sentences, answering.threshold, sampling),
        )

    @cached_property
    def generator(self) -> Generator:
        """The language model."""
        options = self.settings.generation
        made: Generator = find_backend("generator", options.backend)(
            model=options.model, device=options.device, threads=options.threads, cache=self.settings.home / ".cache"
        )
        return made

    def embedder(self, model: str) -> Embedder:
        """Return the embedder of this name, made once; it remembers the last questions' vectors."""
        if model not in self._embedders:
            options = self.settings.embedding
            made: Embedder = find_backend("embedder", options.backend)(
                model=model,
                query_prompt=options.query_prompt,
                passage_prompt=options.passage_prompt,
                batch_size=options.batch_size,
                device=options.device,
                threads=options.threads,
            )
            self._embedders[model] = CachedEmbedder(made)
        return self._embedders[model]

    def close(self) -> None:
        """Close bases and the catalog."""
        if "_shelf" in self.__dict__:
            self._shelf.close()
        if "_database" in self.__dict__:
            self._database.close()

    @cached_property
    def _database(self) -> Database:
        return Database(self.settings.catalog_url)

    @cached_property
    def _shelf(self) -> Shelf:
        return Shelf(self._database, self.settings.home, self._open_store)

    def _open(self, name: str) -> OpenBase:
        return self._shelf.open(self.bases.find(name))

    def _embedder_of(self, base: KnowledgeBase) -> Embedder:
        """Return the embedder a base was made with; refuses one that would give other vectors."""
        embedder = self.embedder(base.embedder)
        if embedder.fingerprint != base.fingerprint:
            raise ModelMismatch(
                f"The knowledge base '{base.name}' was made with another version of '{base.embedder}' or other prompts "
                f"({base.fingerprint}; now {embedder.fingerprint}).",
                "Put the model and the embedding settings back, or embed it anew: "
                f"kb reindex {base.name} --embedder {base.embedder}",
            )
        return embedder

    def _open_store(self, backend: str, folder: Path, dimension: int) -> VectorStore:
        options = self.settings.store.options(backend)
        made: VectorStore = find_backend("store", backend)(folder=folder, dimension=dimension, **options)
        return made
