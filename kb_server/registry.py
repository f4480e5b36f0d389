"""Backends by name. Ours are listed here; others register through entry points in the group `kb_server.<port>`."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from kb_server.errors import InvalidSetting

BACKENDS = {
    "embedder": {
        "langchain": "kb_server.embedding.langchain:LangChainEmbedder",
        "sentence_transformers": "kb_server.embedding.sentence_transformers:SentenceTransformerEmbedder",
    },
    "reranker": {
        "cross_encoder": "kb_server.retrieval.cross_encoder:CrossEncoderReranker",
    },
    "store": {
        "annoy": "vectorstores.annoy:AnnoyStore",
        "faiss": "vectorstores.faiss:FaissStore",
        "milvus": "vectorstores.milvus:MilvusStore",
    },
    "description": {  # of a store's index, apart from the store: lists need no numpy
        "annoy": "vectorstores.descriptions:describe_annoy",
        "faiss": "vectorstores.descriptions:describe_faiss",
        "milvus": "vectorstores.descriptions:describe_milvus",
    },
    "words": {
        "milvus": "vectorstores.milvus_words:MilvusWords",
        "tantivy": "kb_server.retrieval.lexical:TantivyIndex",
    },
    "generator": {
        "langchain": "kb_server.generation.langchain:LangChainGenerator",
        "llama_cpp": "kb_server.generation.llama_cpp:LlamaCppGenerator",
        "transformers": "kb_server.generation.transformers:TransformersGenerator",
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
