"""Wiring: from settings to the use cases. Everything heavy is made at first use and kept."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.domain import KnowledgeBase, Sampling
from kb_server.embedding.cached import CachedEmbedder
from kb_server.errors import ModelMismatch
from kb_server.folder_splitting import FolderSplitters
from kb_server.generation.extracting import SentenceExtractor
from kb_server.generation.prompts import PromptBuilder
from kb_server.ports import Embedder, Generator, VectorStore
from kb_server.registry import find_backend
from kb_server.retrieval.hybrid import HybridRetriever
from kb_server.services.answering import Answering, AnsweringOptions
from kb_server.services.ingesting import Ingestion
from kb_server.services.knowledge_bases import KnowledgeBases, check_name
from kb_server.services.open_base import OpenBase
from kb_server.services.shelf import Shelf
from kb_server.settings import Settings
from kb_server.web.crawling import Crawler
from kb_server.web.fetching import Fetcher, FetchLimits
from loaders.cleaning import Cleaner
from loaders.isolated import IsolatedLoader, Limits


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

    def ingestion(self, name: str) -> Ingestion:
        """Return the use case that puts files into a base."""
        opened = self._open(name)
        splitting = opened.base.splitting or self.settings.splitting.splitting()
        splitter = FolderSplitters(splitting)
        embedder = self._embedder_of(opened.base)
        cleaning = self.settings.cleaning
        cleaner = Cleaner(cleaning.boilerplate, cleaning.low_quality, cleaning.redact)
        workers = self.settings.loading.workers
        return Ingestion(opened, self.bases, embedder, splitter.of, self._loader.load, cleaner, workers)

    @cached_property
    def crawler(self) -> Crawler:
        """What fetches pages from the web."""
        web = self.settings.web
        return Crawler(Fetcher(FetchLimits(web.seconds, web.megabytes, web.redirects)), web.pages)

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
        """End worker processes; close bases and the catalog."""
        if "_loader" in self.__dict__:
            self._loader.close()
        if "_shelf" in self.__dict__:
            self._shelf.close()
        if "_database" in self.__dict__:
            self._database.close()

    @cached_property
    def _loader(self) -> IsolatedLoader:
        loading = self.settings.loading
        return IsolatedLoader(Limits(loading.seconds, loading.memory_mb), options={"pictures": loading.pictures})

    @cached_property
    def _database(self) -> Database:
        return Database(self.settings.catalog_url)

    @cached_property
    def _shelf(self) -> Shelf:
        return Shelf(self._database, self.settings.home, _open_store)

    def _open(self, name: str) -> OpenBase:
        return self._shelf.open(self.bases.find(name))

    def _embedder_of(self, base: KnowledgeBase) -> Embedder:
        """Return the embedder a base was made with; refuses one that would give other vectors."""
        embedder = self.embedder(base.embedder)
        if embedder.fingerprint != base.fingerprint:
            raise ModelMismatch(
                f"The knowledge base '{base.name}' was made with another version of '{base.embedder}' or other prompts "
                f"({base.fingerprint}; now {embedder.fingerprint}).",
                "Put the model and the embedding settings back, or make a new base and ingest the documents again.",
            )
        return embedder


def _open_store(backend: str, folder: Path, dimension: int) -> VectorStore:
    made: VectorStore = find_backend("store", backend)(folder=folder, dimension=dimension)
    return made
