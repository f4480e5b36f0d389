"""Wiring of the models that settings and knowledge bases name: each is made at first use and kept."""

from functools import cached_property
from inspect import signature
from pathlib import Path
from threading import Lock
from typing import Any

from platformdirs import user_cache_path

from kb_server.backend_options import backend_options
from kb_server.domain import KnowledgeBase, Sampling
from kb_server.embedding.cached import CachedEmbedder
from kb_server.errors import ModelMismatch
from kb_server.foundation import Foundation
from kb_server.ports import Embedder, Generator, NextTokenModel, Reranker, WithStates
from kb_server.registry import find_backend
from kb_server.services.knn_lm import needs_model
from kb_server.settings import Settings

_NOT_OFFERED = {"backend", *Sampling.__dataclass_fields__}  # chosen before, or given with each question


class Models(Foundation):
    """The models of one home."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._embedders: dict[str, Embedder] = {}
        self._next_token: NextTokenModel | None = None
        self._lock = Lock()

    @cached_property
    def generator(self) -> Generator:
        """The language model."""
        options = self.settings.generation
        backend = find_backend("generator", options.backend)
        values = backend_options(backend, options, "generation", _NOT_OFFERED)
        made: Generator = backend(**values, **_cache_for(backend, self.settings.home / ".cache"))
        return made

    def embedder(self, model: str) -> Embedder:
        """Return the embedder of this name, made once; it remembers the last questions' vectors."""
        with self._lock:
            return self._embedders.get(model) or self._made_embedder(model)

    def loaded_embedders(self) -> set[str]:
        """Return the names of the embedders that this process has loaded."""
        with self._lock:
            return set(self._embedders)

    @property
    def generator_is_made(self) -> bool:
        """Whether this process has the language model."""
        return "generator" in self.__dict__

    @cached_property
    def reranker(self) -> Reranker | None:
        """What reads the best passages again, if there is one."""
        options = self.settings.reranking
        if options.model is None:
            return None
        backend = find_backend("reranker", options.backend)
        made: Reranker = backend(model=options.model, batch_size=options.batch_size, device=options.device)
        return made

    def _made_embedder(self, model: str) -> Embedder:
        options = self.settings.embedding
        backend = find_backend("embedder", options.backend)
        values = backend_options(backend, options, "embedding", ("backend", "model"))
        converted = user_cache_path("kb-server") / "embedding"  # they belong to the machine, not to this home
        made: Embedder = backend(model=model, **values, **_cache_for(backend, converted))
        self._embedders[model] = CachedEmbedder(made)
        return self._embedders[model]

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

    def _next_token_model(self) -> NextTokenModel:
        if not isinstance(self.generator, WithStates):
            raise needs_model(self.settings.generation.backend)
        with self._lock:
            if self._next_token is None:
                self._next_token = self.generator.next_token_model()
            return self._next_token


def _cache_for(backend: type[Any], folder: Path) -> dict[str, Path]:
    return {"cache": folder} if "cache" in signature(backend).parameters else {}
