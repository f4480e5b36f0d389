"""An embedder inside this process: a sentence-transformers model in a local folder, or in the hub's cache."""

import json
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from kb_server.core.answers import EngineKind
from kb_server.core.ports import Vectors
from kb_server.embedding.engines import Engine
from kb_server.embedding.model_folder import dimension_of, find_embedding_model, revision_of
from kb_server.embedding.prompts import Prompts, prompts_of
from kb_server.runtime.once import made_once


class SentenceTransformerEmbedder:
    """An Embedder on `model`: the bundled one's name, a folder, or a name in the hub's cache.

    Prompts left None are the model's own, else those of its family (see `prompts`).

    Name, dimension and fingerprint come from the model's files; what computes is made at the first text (see
    `engines`; importing sentence-transformers takes 6 s). The fingerprint does not name the engine: all give the same
    vectors to a cosine of .9999. `device` is `auto` or what torch calls it; `cache` is where converted models are kept.
    """

    def __init__(
        self,
        model: str,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        batch_size: int = 32,
        device: str = "auto",
        threads: int | None = None,
        engine: EngineKind = EngineKind.AUTO,
        cache: Path | None = None,
    ) -> None:
        self._model_name = model
        self._given_prompts = (query_prompt, passage_prompt)
        self._batch_size = batch_size
        self._device = device
        self._threads = threads
        self._kind = engine
        self._cache = cache
        self._lock = threading.Lock()
        self._made: Engine | None = None

    @property
    def name(self) -> str:
        """The last part of the folder or hub name."""
        return Path(self._model_name).name

    @made_once
    def dimension(self) -> int:
        """Length of a vector; raises ModelNotFound if the model is not on this machine."""
        return dimension_of(self._folder)

    @made_once
    def fingerprint(self) -> str:
        """Name, dimension, revision of the files and digest of the prompts, separated by slashes."""
        prompts = json.dumps([self._prompts.query, self._prompts.passage])
        digest = sha256(prompts.encode()).hexdigest()[:8]
        return f"{self.name}/{self.dimension}/{revision_of(self._folder)}/{digest}"

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts as passages: float32 [n, dimension], unit length, in the order given."""
        return self._embed(texts, self._prompts.passage)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32 [dimension], unit length."""
        return np.asarray(self._embed([text], self._prompts.query)[0], dtype=np.float32)

    @made_once
    def _folder(self) -> Path:
        return find_embedding_model(self._model_name, self._cache)

    @made_once
    def _prompts(self) -> Prompts:
        return prompts_of(self._folder, (self.name, self._folder.name), *self._given_prompts)

    @property
    def engine(self) -> Engine:
        """What computes; made when it is first asked for."""
        with self._lock:
            self._made = self._made or self._chosen()
            return self._made

    def _embed(self, texts: Sequence[str], prompt: str) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return self.engine.encode(clean, prompt)

    def _chosen(self) -> Engine:
        from kb_server.embedding.engines import EngineFolder, choose_engine

        place = EngineFolder(self._folder, self._batch_size, self._device, self._threads, self._cache)
        return choose_engine(self._kind, place)
