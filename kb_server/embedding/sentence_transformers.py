"""An embedder inside this process, run by sentence-transformers: a local folder, or a model in the hub's cache."""

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kb_server.embedding.model_folder import dimension_of, find_embedding_model, revision_of
from kb_server.embedding.prompts import Prompts, prompts_of
from kb_server.errors import MissingExtra, ModelNotFound
from kb_server.ports import Vectors
from kb_server.quiet import quiet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCHES_A_TURN = 8
INSTALL = "Run: pip install 'kb-server[embed]'"


class SentenceTransformerEmbedder:
    """An Embedder on `model`: the bundled one's name, a folder, or a name in the hub's cache.

    Prompts left None are the model's own, else those of its family (see `prompts`).

    Name, dimension and fingerprint come from the model's files; torch and the weights are loaded at the first text
    (importing sentence-transformers takes 6 s, of which its use of scikit-learn is 2). Threads take turns of a few
    batches, so that a question does not wait for a long ingestion. `device` is `auto` or what torch calls it;
    `threads` sets torch's threads for the whole process. Weights are read from safetensors only.
    """

    def __init__(
        self,
        model: str,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        batch_size: int = 32,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self._model_name = model
        self._given_prompts = (query_prompt, passage_prompt)
        self._batch_size = batch_size
        self._device = device
        self._threads = threads
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None

    @property
    def name(self) -> str:
        """The last part of the folder or hub name."""
        return Path(self._model_name).name

    @cached_property
    def dimension(self) -> int:
        """Length of a vector; raises ModelNotFound if the model is not on this machine."""
        return dimension_of(self._folder)

    @cached_property
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

    @cached_property
    def _folder(self) -> Path:
        return find_embedding_model(self._model_name)

    @cached_property
    def _prompts(self) -> Prompts:
        return prompts_of(self._folder, (self.name, self._folder.name), *self._given_prompts)

    def _embed(self, texts: Sequence[str], prompt: str) -> Vectors:
        turn = self._batch_size * BATCHES_A_TURN
        parts = [self._encode(texts[start : start + turn], prompt) for start in range(0, len(texts), turn)]
        return np.concatenate([np.empty((0, self.dimension), np.float32), *parts])

    def _encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        with self._lock:
            self._model = self._model or self._load()
            vectors = self._model.encode(
                clean,
                prompt=prompt,  # also when empty: None would take the model's default
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.asarray(vectors, dtype=np.float32)

    def _load(self) -> "SentenceTransformer":
        folder = self._folder
        try:
            import torch
            from safetensors import SafetensorError

            with quiet():
                from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtra(f"Embedding needs the package '{error.name}'.", INSTALL) from error
        if self._threads:
            torch.set_num_threads(self._threads)
        try:
            with quiet():
                return SentenceTransformer(
                    str(folder),
                    device=None if self._device == "auto" else self._device,
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True, "dtype": torch.float32},
                )
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise ModelNotFound(f"The model '{self.name}' in '{folder}' cannot be loaded: {error}") from error
