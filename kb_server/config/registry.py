"""Backends by name: ours, listed here, and those of other packages, registered in the group `kb_server.<port>`.

A plug-in is one class with one entry point. Its options are the parameters of the class that the port does not fill,
with their types and defaults, and stand in the settings under its name: `store: {backend: NAME, NAME: {…}}`.
"""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from kb_server.config.invalid import explain_invalid, keys_of, unknown_key
from kb_server.core.errors import InvalidSetting


class BackendSection(BaseModel):
    """A section of the settings with a `backend`, which may be a plug-in with options of its own."""

    model_config = ConfigDict(extra="allow", frozen=True)  # only names of plug-ins: see `check_plugins`

    PORT: ClassVar[str]

    def check_plugins(self, key: str) -> None:
        """Raise UnknownSetting or InvalidSetting if what stands beside the section's own settings is not a plug-in's.

        `key` is the section's name in the settings.
        """
        for name in self.model_extra or {}:
            if _plugin(self.PORT, name) is None:
                raise unknown_key(f"{key}.{name}", keys_of(type(self), f"{key}."))
            self.plugin_options(name, key)

    def plugin_options(self, name: str, key: str) -> dict[str, Any]:
        """Return the options of a plug-in as its class types them; none for a backend that is not one."""
        if _plugin(self.PORT, name) is None:
            return {}
        given = (self.model_extra or {}).get(name, {})
        return _checked_options(find_backend(self.PORT, name), self._filled(), given, f"{key}.{name}")

    def _filled(self) -> Collection[str]:
        """Return the parameters of a backend that are no options of its own."""
        return {"cache", *type(self).model_fields}


def backend_options(backend: type[Any], section: BackendSection, name: str, skipped: Collection[str]) -> dict[str, Any]:
    """Return the settings that `backend` has parameters for, without those `skipped`, and a plug-in's own options.

    Raises InvalidSetting for one that is set to something else than its default and that the backend has not.
    """
    taken = signature(backend).parameters
    offered = {key: getattr(section, key) for key in type(section).model_fields if key not in skipped}
    _refuse_foreign(section, name, offered, taken)
    own = section.plugin_options(getattr(section, "backend", ""), name)
    return {**{key: value for key, value in offered.items() if key in taken}, **own}


def _refuse_foreign(section: BackendSection, name: str, offered: Mapping[str, Any], taken: Collection[str]) -> None:
    """Raise InvalidSetting for what is not at its default and not `taken` by the backend."""
    for key, value in offered.items():
        if key not in taken and value != type(section).model_fields[key].default:
            raise InvalidSetting(
                f"The backend '{getattr(section, 'backend', '')}' has no setting {name}.{key}; it is '{value}'.",
                f"Remove it; it takes {', '.join(key for key in taken if key in offered)}.",
            )


BACKENDS = {
    "embedder": {
        "langchain": "kb_server.embedding.langchain:LangChainEmbedder",
        "sentence_transformers": "kb_server.embedding.sentence_transformers:SentenceTransformerEmbedder",
    },
    "reranker": {
        "cross_encoder": "kb_server.search.cross_encoder:CrossEncoderReranker",
    },
    "store": {
        "annoy": "vectorstores.annoy:AnnoyStore",
        "faiss": "vectorstores.faiss.store:FaissStore",
        "milvus": "vectorstores.milvus.store:MilvusStore",
    },
    "description": {  # of a store's index, apart from the store: lists need no numpy
        "annoy": "vectorstores.log.descriptions:describe_annoy",
        "faiss": "vectorstores.log.descriptions:describe_faiss",
        "milvus": "vectorstores.milvus.description:describe_milvus",
    },
    "words": {
        "milvus": "vectorstores.milvus.words:MilvusWords",
        "tantivy": "kb_server.search.lexical:TantivyIndex",
    },
    "generator": {
        "langchain": "kb_server.llm.engines.langchain:LangChainGenerator",
        "llama_cpp": "kb_server.llm.engines.llama_cpp:LlamaCppGenerator",
        "transformers": "kb_server.llm.engines.transformers:TransformersGenerator",
    },
}


def find_backend(port: str, name: str) -> type[Any]:
    """Return the class of a backend, importing only its own module; raises InvalidSetting for an unknown name."""
    target = BACKENDS[port].get(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        backend: type[Any] = getattr(import_module(module), attribute)
        return backend
    entry = _plugin(port, name)
    if entry is None:
        known = ", ".join(sorted({*BACKENDS[port], *entry_points(group=f"kb_server.{port}").names}))
        raise InvalidSetting(f"There is no {port} named '{name}'.", f"Known here: {known}.")
    try:
        plugged: type[Any] = entry.load()
    except (ImportError, AttributeError) as error:
        raise InvalidSetting(
            f"The {port} '{name}' cannot be loaded from {entry.value}: {error}.", "Install its package again."
        ) from error
    return plugged


def describe_store(name: str, folder: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Say which index a store has in a folder, without opening it: kind, parameters, recall@10; None if unknown.

    A plug-in says it by a static method `describe(folder, **options)`, if it has one.
    """
    describe: Callable[..., dict[str, Any]] | None = None
    if name in BACKENDS["description"]:
        describe = find_backend("description", name)
    elif _plugin("store", name):
        describe = getattr(find_backend("store", name), "describe", None)
    return describe(folder, **options) if describe else {"kind": None, "parameters": {}, "recall@10": None}


def _plugin(port: str, name: str) -> EntryPoint | None:
    """Return where another package registered a backend; ours go before one of the same name."""
    if name in BACKENDS[port]:
        return None
    return next(iter(entry_points(group=f"kb_server.{port}", name=name)), None)


def _checked_options(backend: type[Any], filled: Collection[str], given: object, key: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        name: _option(parameter)
        for name, parameter in signature(backend, eval_str=True).parameters.items()
        if name not in filled and parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    }
    strict = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())
    typed: type[BaseModel] = create_model(backend.__name__, __config__=strict, **options)
    try:
        checked = typed.model_validate(given)
    except ValidationError as error:
        place = f"The package of {backend.__name__} (options: {', '.join(options) or 'none'})"
        raise explain_invalid(error, keys_of(typed, f"{key}."), f"{key}.", place) from error
    return {name: getattr(checked, name) for name in checked.model_fields_set}


def _option(parameter: Parameter) -> tuple[Any, Any]:
    """Return the type and the default of a parameter as pydantic takes those of a field."""
    return (
        Any if parameter.annotation is Parameter.empty else parameter.annotation,
        ... if parameter.default is Parameter.empty else parameter.default,
    )
