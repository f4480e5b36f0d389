"""Wiring of the models that settings and knowledge bases name: each is made at first use and kept."""

from functools import cached_property
from inspect import signature
from pathlib import Path
from threading import Lock
from typing import Any

from platformdirs import user_cache_path

from kb_server.config.registry import backend_options, find_backend
from kb_server.config.sections import ModelSettings
from kb_server.config.settings import Settings
from kb_server.core.answers import Sampling
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import ModelMismatch, NotFound
from kb_server.core.ports import Embedder, Generator, NextTokenModel, Reranker, WithStates
from kb_server.embedding.cached import CachedEmbedder
from kb_server.foundation import Foundation
from kb_server.knnlm.knn_lm import needs_model

_NOT_OFFERED = {"backend", "name", "others", *Sampling.__dataclass_fields__}  # chosen before, or with each question


class Models(Foundation):
    """The models of one home."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._embedders: dict[str, Embedder] = {}
        self._generators: dict[str, Generator] = {}
        self._next_token: NextTokenModel | None = None
        self._lock = Lock()
        self._generator_lock = Lock()

    @property
    def generator(self) -> Generator:
        """The language model that writes unless a question names another."""
        return self.generator_named(None)

    def generator_named(self, name: str | None) -> Generator:
        """Return a configured language model, made once; raises NotFound with the names there are."""
        section, name = self.model_section(name), name or self.settings.generation.name
        with self._generator_lock:
            if name not in self._generators:
                backend = find_backend("generator", section.backend)
                values = backend_options(backend, section, "generation", _NOT_OFFERED)
                self._generators[name] = backend(**values, **_cache_for(backend, self.settings.home / ".cache"))
            return self._generators[name]

    def model_section(self, name: str | None) -> ModelSettings:
        """Return the settings of a configured language model; raises NotFound with the names there are."""
        section = self.settings.generation.section(name)
        if section is None:
            names = ", ".join(self.settings.generation.names)
            raise NotFound(f"There is no model '{str(name)[:80]}' to answer with.", f"Those that are set up: {names}.")
        return section

    def embedder(self, model: str) -> Embedder:
        """Return the embedder of this name, made once; it remembers the last questions' vectors."""
        with self._lock:
            return self._embedders.get(model) or self._made_embedder(model)

    def loaded_embedders(self) -> set[str]:
        """Return the names of the embedders that this process has loaded."""
        with self._lock:
            return set(self._embedders)

    def loaded_generators(self) -> set[str]:
        """Return the names of the language models that this process has loaded."""
        return set(self._generators)

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

    @property
    def gives_states(self) -> bool:
        """Whether the language model lets its hidden states be read, as kNN-LM needs; known without loading it."""
        return issubclass(find_backend("generator", self.settings.generation.backend), WithStates)

    def refuse_without_states(self) -> None:
        """Raise UsageError if it does not."""
        if not self.gives_states:
            raise needs_model(self.settings.generation.backend)

    def _next_token_model(self) -> NextTokenModel:
        if not isinstance(self.generator, WithStates):
            raise needs_model(self.settings.generation.backend)
        with self._lock:
            if self._next_token is None:
                self._next_token = self.generator.next_token_model()
            return self._next_token


def _cache_for(backend: type[Any], folder: Path) -> dict[str, Path]:
    return {"cache": folder} if "cache" in signature(backend).parameters else {}
