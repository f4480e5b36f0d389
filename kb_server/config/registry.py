"""Backends by name. Ours are listed here; others register through entry points in the group `kb_server.<port>`."""

from collections.abc import Collection
from importlib import import_module
from importlib.metadata import entry_points
from inspect import signature
from typing import Any

from pydantic import BaseModel

from kb_server.core.errors import InvalidSetting


def backend_options(backend: type[Any], section: BaseModel, name: str, skipped: Collection[str]) -> dict[str, Any]:
    """Return the settings that `backend` has parameters for, without those `skipped`.

    Raises InvalidSetting for one that is set to something else than its default and that the backend has not.
    """
    taken = signature(backend).parameters
    fields = type(section).model_fields
    offered = {key: getattr(section, key) for key in fields if key not in skipped}
    for key, value in offered.items():
        if key not in taken and value != fields[key].default:
            raise InvalidSetting(
                f"The backend '{getattr(section, 'backend', '')}' has no setting {name}.{key}; it is '{value}'.",
                f"Remove it; it takes {', '.join(key for key in taken if key in offered)}.",
            )
    return {key: value for key, value in offered.items() if key in taken}


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
        "milvus": "vectorstores.log.descriptions:describe_milvus",
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
    for entry in entry_points(group=f"kb_server.{port}"):
        if entry.name == name:
            plugged: type[Any] = entry.load()
            return plugged
    known = ", ".join(sorted(BACKENDS[port]))
    raise InvalidSetting(f"There is no {port} named '{name}'.", f"Known here: {known}.")
