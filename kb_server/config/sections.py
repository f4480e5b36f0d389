"""The sections of the settings, each with its defaults and what each value means."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from kb_server.config.invalid import explain_invalid, keys_of
from kb_server.config.registry import BackendSection
from kb_server.core.answers import AnswerMode, EngineKind, Quantization
from kb_server.core.domain import Redaction, SplitBy, Splitting
from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import KnnAsk, KnnScope

logger = logging.getLogger(__name__)


class Section(BaseModel):
    """A part of the settings: a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LoadingSettings(Section):
    """How files are read: in worker processes, each file within limits."""

    workers: int = Field(default=2, ge=1, le=64)
    seconds: float = Field(default=120.0, gt=0.0)
    memory_mb: int = Field(default=4096, ge=256)
    pictures: bool = True
    passwords: tuple[SecretStr, ...] = ()


class CleaningSettings(Section):
    """What is set aside or taken out of documents before they are split."""

    boilerplate: bool = True
    low_quality: bool = True
    near_duplicates: bool = True
    redact: tuple[Redaction, ...] = ()


class WebSettings(Section):
    """What fetching from the web may take. Only public addresses are ever connected to; no setting changes that."""

    seconds: float = Field(default=30.0, gt=0.0)
    megabytes: float = Field(default=50.0, gt=0.0)
    redirects: int = Field(default=5, ge=0, le=20)
    pages: int = Field(default=200, ge=1)


class SplittingSettings(Section):
    """How documents are cut into chunks; in tokens, counted as `kb_server.text.tokens` does."""

    size: int = Field(default=200, ge=20, le=4000)
    overlap: int = Field(default=30, ge=0)
    by: SplitBy = SplitBy.SENTENCES
    delimiter: str = Field(default="", max_length=100)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.overlap >= self.size:
            raise ValueError(f"overlap {self.overlap} must be less than size {self.size}")
        if (self.by is SplitBy.DELIMITER) != bool(self.delimiter.strip()):
            raise ValueError("by: delimiter and a delimiter go together")
        return self

    def splitting(self, overrides: Mapping[str, Any] | None = None, origin: str = "splitting") -> Splitting:
        """Return these settings with some replaced; raises UnknownSetting or InvalidSetting naming `origin`."""
        try:
            merged = SplittingSettings(**{**self.model_dump(), **(overrides or {})})
        except ValidationError as error:
            raise explain_invalid(error, keys_of(SplittingSettings, f"{origin}."), f"{origin}.") from error
        return Splitting(size=merged.size, overlap=merged.overlap, by=merged.by, delimiter=merged.delimiter)


class EmbeddingSettings(BackendSection):
    """The model that turns text into vectors. A base keeps the model it was made with."""

    PORT: ClassVar[str] = "embedder"

    backend: str = "sentence_transformers"
    model: str = "multilingual-e5-small"
    query_prompt: str | None = None
    passage_prompt: str | None = None
    batch_size: int = Field(default=32, ge=1)
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    engine: EngineKind = EngineKind.AUTO
    url: str | None = None
    provider: str = "openai"
    key: SecretStr | None = None
    timeout: float = Field(default=60.0, gt=0)


class FaissSettings(Section):
    """When the vectors of a base are too many to be compared one by one."""

    exact_below: int = Field(default=20_000, ge=100)


class AnnoySettings(FaissSettings):
    """The same for Annoy, and how many trees it grows."""

    trees: int = Field(default=50, ge=1)


class MilvusSettings(Section):
    """Where Milvus is. Without `uri` Milvus Lite runs inside each process, on files in the base's own folder."""

    uri: str | None = None
    token: str | None = None
    database: str = "default"
    ca: Path | None = None
    index: str = "AUTO"
    index_params: dict[str, int | float | str] = {}
    consistency: Literal["Strong", "Bounded", "Session", "Eventually"] = "Strong"
    timeout: float = Field(default=10.0, gt=0)


class StoreSettings(BackendSection):
    """Where the vectors of new knowledge bases go; a backend's options are in the section of its name."""

    PORT: ClassVar[str] = "store"

    backend: str = "faiss"
    words: Literal["tantivy", "milvus"] = "tantivy"
    faiss: FaissSettings = FaissSettings()
    annoy: AnnoySettings = AnnoySettings()
    milvus: MilvusSettings = MilvusSettings()

    def options(self, backend: str) -> dict[str, Any]:
        """Return what the backend of this name is made with, beside folder and dimension."""
        section = getattr(self, backend, None)
        return dict(section) if isinstance(section, Section) else self.plugin_options(backend, "store")

    def word_options(self) -> dict[str, Any]:
        """Return what the word index is made with, beside its folder."""
        if self.words == "tantivy":
            return {}
        return {name: value for name, value in self.milvus if not name.startswith("index")}

    def _filled(self) -> Collection[str]:
        return {"folder", "dimension"}


class RetrievalSettings(Section):
    """How passages are found."""

    k: int = Field(default=5, ge=1, le=100)


class RerankingSettings(BackendSection):
    """A cross-encoder that reads the best passages again; none unless `model` is given."""

    PORT: ClassVar[str] = "reranker"

    backend: str = "cross_encoder"
    model: str | None = None
    depth: int | None = Field(default=None, ge=1, le=200)
    batch_size: int = Field(default=16, ge=1)
    device: str = "auto"


class AnsweringSettings(Section):
    """How answers are made. `mode` is the one that measured better with the default models."""

    mode: AnswerMode = AnswerMode.EXTRACT
    passages: int | None = Field(default=None, ge=1, le=50)
    sentences: int = Field(default=2, ge=1, le=10)
    threshold: float = Field(default=0.1, ge=0.0, le=1.0)
    refuse_below: float | None = Field(default=None, ge=0.0, le=1.0)
    prompts: Path | None = None
    examples: Path | None = None
    reasoning: bool = False
    samples: int = Field(default=1, ge=1, le=16)


class ModelSettings(BackendSection):
    """A language model that writes answers in `generate` mode."""

    PORT: ClassVar[str] = "generator"

    backend: str = "transformers"
    model: str = "SmolLM2-135M-Instruct"
    max_tokens: int = Field(default=200, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: int = Field(default=0, ge=0)
    repetition_penalty: float = Field(default=1.0, gt=0.0)
    stop: tuple[str, ...] = ()
    seed: int = 0
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    quantization: Quantization = Quantization.NONE
    adapter: Path | None = None
    parallel: int = Field(default=4, ge=1)
    prefix_cache: int = Field(default=256, ge=0)
    window: int | None = Field(default=None, ge=64)
    url: str | None = None
    provider: str = "openai"
    key: SecretStr | None = None
    timeout: float = Field(default=60.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _without_queue(cls, values: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        """Leave out what settings files of version 0.1 may have: a queue of the model's own."""
        if not isinstance(values, Mapping) or "queue" not in values:
            return values
        logger.warning("generation.queue has no effect any more: service.chats_waiting says how many answers may wait")
        return {key: value for key, value in values.items() if key != "queue"}


class NamedModelSettings(ModelSettings):
    """Another language model, which a question may name."""

    name: str = Field(pattern=r"^[^\W_][\w.-]{0,63}$")


class GenerationSettings(ModelSettings):
    """The language model that writes unless a question names one of the `others`."""

    others: tuple[NamedModelSettings, ...] = ()

    @property
    def name(self) -> str:
        """What questions call it."""
        return Path(self.model).name

    @property
    def names(self) -> list[str]:
        """What questions may name: this one first."""
        return [self.name, *(other.name for other in self.others)]

    def section(self, name: str | None) -> ModelSettings | None:
        """Return the settings of a model by its name, this one's for None; None if there is no such model."""
        if name in (None, self.name):
            return self
        return next((other for other in self.others if other.name == name), None)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        taken = [*self.names, *AnswerMode]
        if twice := [name for name in taken if taken.count(name) > 1]:
            raise ValueError(f"two models, or a model and a mode, are named '{twice[0]}'")
        return self


class McpSettings(Section):
    """A server of tools for the agent: a command to start, or an address. Only ever listed here, never by a client."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,31}$")
    command: tuple[str, ...] = ()
    url: str | None = None
    tools: tuple[str, ...] = ()
    scope: Literal["read", "write", "admin"] = "write"
    after_documents: bool = False
    seconds: float = Field(default=30.0, gt=0)

    @model_validator(mode="after")
    def _reaches_one(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either a command or a url")
        return self


class AgentSettings(Section):
    """What answers in mode `agent` may use, and how often the model is asked for one answer."""

    calls: int = Field(default=8, ge=1, le=50)
    tools: tuple[Literal["calculate", "current_time"], ...] = ("calculate", "current_time")
    mcp: tuple[McpSettings, ...] = ()


class KnnLmSettings(Section):
    """How a base's datastore takes part in written answers; None is what `kb knn tune` found, or the default."""

    enabled: bool = False
    scope: KnnScope = KnnScope.RETRIEVED
    passages: int = Field(default=20, ge=1, le=100)
    k: int | None = Field(default=None, ge=1, le=4096)
    temperature: float | None = Field(default=None, gt=0.0)
    weight: float | None = Field(default=None, ge=0.0, le=1.0)
    cap: float | None = Field(default=None, ge=0.0, le=1.0)
    sentences: int | None = Field(default=None, ge=1, le=100)
    dimension: int = Field(default=256, ge=16, le=4096)

    def ask(self, changes: Mapping[str, Any] | None = None) -> KnnAsk:
        """Return how a question is asked with it, with changes that are not None.

        Raises UsageError for sentences of passages where the whole base is to be compared.
        """
        numbers = (self.k, self.temperature, self.weight, self.cap, self.sentences)
        asked = KnnAsk(self.scope, self.passages, False, *numbers)
        asked = replace(asked, **{name: value for name, value in (changes or {}).items() if value is not None})
        if asked.sentences is not None and asked.scope is KnnScope.ALL:
            raise UsageError(
                f"kNN-LM compares {asked.sentences} sentences of the passages found, or the whole base, not both.",
                "Leave sentences out, or set the scope to retrieved.",
            )
        return asked


class ServiceSettings(Section):
    """The HTTP service."""

    host: str = "127.0.0.1"
    port: int = Field(default=7861, ge=0, le=65535)
    auth: bool = True
    origins: tuple[str, ...] = ()
    requests_per_minute: int = Field(default=1200, ge=1)
    upload_megabytes: int = Field(default=1024, ge=1)
    upload_files: int = Field(default=1000, ge=1)
    kept_megabytes: int = Field(default=1024, ge=1)
    base_documents: int | None = Field(default=None, ge=1)
    base_megabytes: int | None = Field(default=None, ge=1)
    fetch_pages: bool = True
    search_threads: int | None = Field(default=None, ge=1)
    searches_waiting: int = Field(default=128, ge=0)
    search_patience: float | None = Field(default=0.01, gt=0)
    extract_threads: int | None = Field(default=None, ge=1)
    chat_threads: int = Field(default=8, ge=1)
    chats_waiting: int = Field(default=32, ge=0)
    stop_seconds: int = Field(default=30, ge=0)
    traces: bool = False

    @field_validator("origins")
    @classmethod
    def _explicit(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if any("*" in origin for origin in origins):
            raise ValueError("every origin is named in full, `*` is not allowed")
        return origins


class PageSettings(Section):
    """The page in the browser. `service` is where it reaches the service; None: where `service` listens here."""

    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    service: str | None = None
