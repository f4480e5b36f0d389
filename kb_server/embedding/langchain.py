"""An embedder behind HTTP, through LangChain: text-embeddings-inference, vLLM, Ollama, or a hosted service."""

import json
import threading
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kb_server.core.errors import EmbeddingServerFailed, InvalidSetting, MissingExtra
from kb_server.core.ports import Vectors
from kb_server.embedding.prompts import Prompts, family_prompts
from kb_server.runtime.once import made_once

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

INSTALL = "Run: pip install 'kb-server[chat-models]'"


class _Secret(Protocol):
    def get_secret_value(self) -> str: ...


class LangChainEmbedder:
    """An Embedder on any model of LangChain's `init_embeddings`.

    `provider` is what LangChain calls the service, `url` where it is, `key` its secret, `batch_size` the texts in one
    request, `timeout` the seconds an answer may take. The server does not say which weights it has: the fingerprint is
    of name, length of the vectors and prompts, so anyone who changes the weights under a name has to re-index by hand.
    """

    def __init__(
        self,
        model: str,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        batch_size: int = 32,
        provider: str = "openai",
        url: str | None = None,
        key: _Secret | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._model = model
        family = family_prompts([model])
        self._prompts = Prompts(
            family.query if query_prompt is None else query_prompt,
            family.passage if passage_prompt is None else passage_prompt,
        )
        self._batch_size = batch_size
        self._provider = provider
        self._url = url
        self._key = key
        self._timeout = timeout
        self._lock = threading.Lock()
        self._ready: Embeddings | None = None

    @property
    def name(self) -> str:
        """What users call the model."""
        return self._model

    @made_once
    def dimension(self) -> int:
        """Length of a vector, found out by embedding one word."""
        return len(self.embed_query("length"))

    @made_once
    def fingerprint(self) -> str:
        """Name, dimension and digest of the prompts, separated by slashes."""
        prompts = json.dumps([self._prompts.query, self._prompts.passage])
        return f"{self.name}/{self.dimension}/remote/{sha256(prompts.encode()).hexdigest()[:8]}"

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts as passages: float32 [n, dimension], unit length, in the order given.

        Raises EmbeddingServerFailed with the reason if the server is down, too slow, refuses or answers nonsense.
        """
        starts = range(0, len(texts), self._batch_size)
        parts = [self._embed(self._prompts.passage, texts[start : start + self._batch_size]) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32 [dimension], unit length."""
        return np.asarray(self._embed(self._prompts.query, [text])[0], np.float32)

    def _embed(self, prompt: str, texts: Iterable[str]) -> Vectors:
        import httpx

        clean = [(prompt + text).encode("utf-8", "replace").decode("utf-8") or " " for text in texts]
        failures: tuple[type[Exception], ...] = (*_client_errors(), httpx.HTTPError, OSError, ValueError, TypeError)
        model = self._made()
        try:
            vectors = np.array(model.embed_documents(clean), np.float32)
        except failures as error:
            raise self._failed(error) from error
        if vectors.ndim != 2 or len(vectors) != len(clean) or not np.isfinite(vectors).all():
            raise self._failed(ValueError(f"{len(clean)} texts gave an array {list(vectors.shape)}"))
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)

    def _failed(self, error: Exception) -> EmbeddingServerFailed:
        kind = type(error).__name__
        where = self._url or self._provider
        if "Timeout" in kind:
            reason, hint = f"did not answer within {self._timeout:g} s", "Run it again, or raise embedding.timeout."
        elif "Connect" in kind:
            reason, hint = "cannot be reached", "Start it, and check embedding.url."
        else:
            reason = f"failed: {str(error).splitlines()[0] if str(error) else kind}"
            hint = "Check embedding.model, embedding.key, embedding.batch_size and the server's log."
        return EmbeddingServerFailed(f"The embedding server at {where} {reason}.", hint)

    def _made(self) -> "Embeddings":
        with self._lock:
            self._ready = self._ready or self._make()
            return self._ready

    def _make(self) -> "Embeddings":
        failures: tuple[type[Exception], ...] = (*_client_errors(), ValueError)
        try:
            from langchain.embeddings import init_embeddings

            made: Embeddings = init_embeddings(self._model, provider=self._provider, **self._options())
        except ImportError as error:
            raise MissingExtra(f"The backend langchain needs a package: {error}.", INSTALL) from error
        except failures as error:
            raise InvalidSetting(
                f"The model '{self._model}' of '{self._provider}' cannot be set up: {error}",
                "Check embedding.provider, embedding.url and embedding.key (KB_EMBEDDING__KEY).",
            ) from error
        return made

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self._url:
            options["base_url"] = self._url
        if self._provider == "openai":  # the client would count OpenAI's own tokens, which are no other model's
            options |= {"timeout": self._timeout, "check_embedding_ctx_length": False, "max_retries": 2}
        if self._key:
            options["api_key"] = self._key.get_secret_value()
        elif self._url and self._provider == "openai":
            options["api_key"] = "none"  # a local server asks for no key, the client for any
        return options


def _client_errors() -> tuple[type[Exception], ...]:
    """Return the base of the OpenAI client's errors, if it is installed."""
    try:
        from openai import OpenAIError
    except ImportError:
        return ()
    return (OpenAIError,)
