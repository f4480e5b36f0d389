"""The models that settings and knowledge bases name: each is made at first use and kept."""

from collections.abc import Sequence
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from kb_server.config.registry import backend_options, find_backend
from kb_server.config.sections import ModelSettings
from kb_server.config.settings import Settings
from kb_server.core.answers import Sampling
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import ModelMismatch, NotFound
from kb_server.core.knn_lm import needs_states
from kb_server.core.ports import Embedder, Generator, NextTokenModel, Reranker, WithStates
from kb_server.runtime.once import MadeByKey, made_once

if TYPE_CHECKING:
    from kb_server.core.ports import Vectors  # makes numpy be imported, which lists of bases need not wait for

_NOT_OFFERED = {"backend", "name", "others", *Sampling.__dataclass_fields__}  # chosen before, or with each question
_QUESTIONS = 512  # 0.8 MB at 384 dimensions


class Models:
    """The models of one home. It needs no database; threads may share it, and loading one model holds up no other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedders: MadeByKey[str, Embedder] = MadeByKey()
        self._generators: MadeByKey[str, Generator] = MadeByKey()

    def embedder(self, name: str) -> Embedder:
        """Return the embedder of this name; it remembers the last questions' vectors."""
        return self._embedders.get(name, lambda: CachedEmbedder(self._made_embedder(name)))

    def use_embedder(self, name: str, embedder: Embedder) -> None:
        """Let this embedder be what bases made with `name` are read by."""
        self._embedders.put(name, embedder)

    def embedder_of(self, base: KnowledgeBase) -> Embedder:
        """Return the embedder a base was made with; raises ModelMismatch if it would give other vectors now."""
        embedder = self.embedder(base.embedder)
        if embedder.fingerprint != base.fingerprint:
            raise ModelMismatch(
                f"The knowledge base '{base.name}' was made with another version of '{base.embedder}' or other prompts "
                f"({base.fingerprint}; now {embedder.fingerprint}).",
                "Put the model and the embedding settings back, or embed it again: "
                f"kb reindex {base.name} --embedder {base.embedder}",
            )
        return embedder

    def generator(self, name: str | None = None) -> Generator:
        """Return a configured language model, the first without a name; raises NotFound with the names there are."""
        section, name = self.section(name), name or self._settings.generation.name
        return self._generators.get(name, lambda: self._made_generator(section))

    def section(self, name: str | None) -> ModelSettings:
        """Return the settings of a configured language model; raises NotFound with the names there are."""
        section = self._settings.generation.section(name)
        if section is None:
            names = ", ".join(self._settings.generation.names)
            raise NotFound(f"There is no model '{str(name)[:80]}' to answer with.", f"Those that are set up: {names}.")
        return section

    def sampling(self, name: str | None = None) -> Sampling:
        """Return how a model writes unless a question wants it otherwise."""
        section = self.section(name)
        return Sampling(**{field: getattr(section, field) for field in Sampling.__dataclass_fields__})

    @made_once
    def reranker(self) -> Reranker | None:
        """What reads the best passages again, if there is one."""
        options = self._settings.reranking
        if options.model is None:
            return None
        backend = find_backend("reranker", options.backend)
        own = options.plugin_options(options.backend, "reranking")
        made: Reranker = backend(model=options.model, batch_size=options.batch_size, device=options.device, **own)
        return made

    @property
    def gives_states(self) -> bool:
        """Whether the language model lets its hidden states be read, as kNN-LM needs; known without loading it."""
        return issubclass(find_backend("generator", self._settings.generation.backend), WithStates)

    def require_states(self) -> None:
        """Raise UsageError if it does not."""
        if not self.gives_states:
            raise needs_states(self._settings.generation.backend)

    @made_once
    def next_token_model(self) -> NextTokenModel:
        """The language model as kNN-LM takes part in it; raises UsageError if it gives no hidden states."""
        generator = self.generator()
        if not isinstance(generator, WithStates):
            raise needs_states(self._settings.generation.backend)
        return generator.next_token_model()

    def loaded_embedders(self) -> set[str]:
        """Return the names of the embedders that this process has loaded."""
        return self._embedders.keys()

    def loaded_generators(self) -> set[str]:
        """Return the names of the language models that this process has loaded."""
        return self._generators.keys()

    def _made_embedder(self, name: str) -> Embedder:
        options = self._settings.embedding
        backend = find_backend("embedder", options.backend)
        values = backend_options(backend, options, "embedding", ("backend", "model"))
        converted = user_cache_path("kb-server") / "embedding"  # they belong to the machine, not to this home
        made: Embedder = backend(model=name, **values, **_cache_for(backend, converted))
        return made

    def _made_generator(self, section: ModelSettings) -> Generator:
        backend = find_backend("generator", section.backend)
        values = backend_options(backend, section, "generation", _NOT_OFFERED)
        made: Generator = backend(**values, **_cache_for(backend, self._settings.home / ".cache"))
        return made


class CachedEmbedder:
    """An Embedder in front of another: one question is embedded once, however many steps need its vector."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._query = lru_cache(maxsize=_QUESTIONS)(self._embed_query)

    @property
    def name(self) -> str:
        """What users call the model."""
        return self._embedder.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._embedder.dimension

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the embedder behind."""
        return self._embedder.fingerprint

    def embed_passages(self, texts: Sequence[str]) -> "Vectors":
        """Embed texts as passages: float32 [n, dimension]; not remembered."""
        return self._embedder.embed_passages(texts)

    def embed_query(self, text: str) -> "Vectors":
        """Embed a question: float32 [dimension], read-only."""
        return self._query(text)

    def _embed_query(self, text: str) -> "Vectors":
        vector = self._embedder.embed_query(text)
        vector.setflags(write=False)
        return vector


def _cache_for(backend: type[Any], folder: Path) -> dict[str, Path]:
    return {"cache": folder} if "cache" in signature(backend).parameters else {}
