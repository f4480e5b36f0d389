"""Wiring: from settings to the use cases. Everything heavy is made at first use and kept."""

from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.domain import KnowledgeBase, Sampling, Technique
from kb_server.embedding.cached import CachedEmbedder
from kb_server.errors import InvalidSetting, ModelMismatch
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
from kb_server.settings import GenerationSettings, Settings
from loaders import load
from loaders.splitter import SentenceSplitter

_NOT_OFFERED = {"backend", *Sampling.__dataclass_fields__}  # chosen before, or given with each question


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
        sampling = Sampling(
            generation.max_tokens,
            generation.temperature,
            generation.top_p,
            generation.seed,
            generation.top_k,
            generation.repetition_penalty,
            generation.stop,
        )
        return Answering(
            self.retriever(name),
            SentenceExtractor(self._embedder_of(opened.base), opened.lexical),
            PromptBuilder(answering.prompts, answering.examples),
            lambda: self.generator,
            opened.base.fusion,
            AnsweringOptions(
                answering.passages,
                answering.sentences,
                answering.threshold,
                sampling,
                Technique(answering.reasoning, answering.samples),
            ),
        )

    @cached_property
    def generator(self) -> Generator:
        """The language model."""
        options = self.settings.generation
        backend = find_backend("generator", options.backend)
        made: Generator = backend(**generator_options(backend, options), **_cache_for(backend, self.settings.home))
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


def generator_options(backend: type[Any], options: GenerationSettings) -> dict[str, Any]:
    """Return what a backend takes of the settings; raises InvalidSetting for one that is set and that it has not."""
    taken = signature(backend).parameters
    offered = {name: getattr(options, name) for name in GenerationSettings.model_fields if name not in _NOT_OFFERED}
    for name, value in offered.items():
        if name not in taken and value != GenerationSettings.model_fields[name].default:
            raise InvalidSetting(
                f"The backend '{options.backend}' has no setting generation.{name}; it is '{value}'.",
                f"Remove it; {options.backend} takes {', '.join(name for name in taken if name in offered)}.",
            )
    return {name: value for name, value in offered.items() if name in taken}


def _cache_for(backend: type[Any], home: Path) -> dict[str, Path]:
    return {"cache": home / ".cache"} if "cache" in signature(backend).parameters else {}


def _open_store(backend: str, folder: Path, dimension: int) -> VectorStore:
    made: VectorStore = find_backend("store", backend)(folder=folder, dimension=dimension)
    return made
