"""Every setting: the only reader of the environment and of settings files.

Order: arguments > environment (`KB_…`, `__` for nesting) > file (`--config` or `KB_CONFIG`) > the defaults here.
`configs/default.yaml` lists them all with comments; a test holds the two together.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kb_server.config.invalid import explain_invalid, keys_of, unknown_key
from kb_server.config.registry import BackendSection
from kb_server.config.sections import (
    AgentSettings,
    AnsweringSettings,
    CleaningSettings,
    EmbeddingSettings,
    GenerationSettings,
    KnnLmSettings,
    LoadingSettings,
    PageSettings,
    RerankingSettings,
    RetrievalSettings,
    ServiceSettings,
    SplittingSettings,
    StoreSettings,
    WebSettings,
)
from kb_server.core.errors import InvalidSetting

_PREFIX = "KB_"

FOLDER_FILE = ".kb.yaml"


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = Field(default_factory=lambda: _default_home())
    catalog: str | None = None
    language: Literal["auto", "en", "zh"] = "auto"
    loading: LoadingSettings = LoadingSettings()
    web: WebSettings = WebSettings()
    cleaning: CleaningSettings = CleaningSettings()
    splitting: SplittingSettings = SplittingSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    store: StoreSettings = StoreSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    reranking: RerankingSettings = RerankingSettings()
    answering: AnsweringSettings = AnsweringSettings()
    generation: GenerationSettings = GenerationSettings()
    knn_lm: KnnLmSettings = KnnLmSettings()
    page: PageSettings = PageSettings()
    agent: AgentSettings = AgentSettings()
    service: ServiceSettings = ServiceSettings()

    @property
    def catalog_url(self) -> str:
        """The catalog's SQLAlchemy URL; a SQLite file in `home` unless one is set."""
        return self.catalog or f"sqlite:///{self.home.resolve() / 'catalog.db'}"


def load_settings(file: Path | None = None, arguments: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings; raises UnknownSetting or InvalidSetting naming the key, its value and what to do."""
    file = file or (Path(named) if (named := os.environ.get(f"{_PREFIX}CONFIG")) else None)
    _refuse_unknown_environment()
    values = _read(file) if file else {}

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes all four by name
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    try:
        loaded = Loaded(**(arguments or {}))
    except ValidationError as error:
        raise explain_invalid(error, keys_of(Settings)) from error
    _check_plugins(loaded)
    return loaded


def _check_plugins(settings: Settings) -> None:
    others = {f"generation.others.{number}": other for number, other in enumerate(settings.generation.others)}
    for key, section in [*settings, *others.items()]:
        if isinstance(section, BackendSection):
            section.check_plugins(key)


def _default_home() -> Path:
    checkout = Path(__file__).resolve().parents[2] / "knowledge_base"
    return checkout if checkout.is_dir() else Path.home() / ".local" / "share" / "knowledge_base"


def _read(file: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise InvalidSetting(
            f"The settings file '{file}' cannot be read: {error.strerror}.", "Check --config and KB_CONFIG."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidSetting(
            f"The settings file '{file}' is not valid YAML: {error}.", "Compare it with configs/default.yaml."
        ) from error
    if not isinstance(values or {}, dict):
        raise InvalidSetting(f"The settings file '{file}' holds no keys.", "Compare it with configs/default.yaml.")
    return values or {}


def _refuse_unknown_environment() -> None:
    for variable in os.environ:
        key = variable.removeprefix(_PREFIX).split("__")[0].lower()
        if variable.startswith(_PREFIX) and key != "config" and key not in Settings.model_fields:
            raise unknown_key(variable, [f"{_PREFIX}{name.upper()}" for name in (*Settings.model_fields, "config")])


def read_folder_splitting(folder: Path) -> dict[str, Any] | None:
    """Return what a folder's `.kb.yaml` says of splitting, None if it has none; raises as `load_settings` does."""
    file = folder / FOLDER_FILE
    return _read(file) if file.is_file() else None
