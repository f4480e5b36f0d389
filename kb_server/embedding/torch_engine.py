"""sentence-transformers on PyTorch: reads every model, and is what other engines are measured against."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kb_server.core.errors import MissingExtra, ModelNotFound
from kb_server.core.ports import Vectors
from kb_server.runtime.processors import cores
from kb_server.runtime.quiet import quiet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

BATCHES_A_TURN = 8
INSTALL = "Run: pip install 'kb-server[embed]'"


class TorchEngine:
    """An Engine on the model in `folder`; torch and the weights are loaded when it is made.

    On CUDA it computes in fp16, else in fp32. A batch that does not fit into the device's memory is halved, and stays
    so. Threads take turns of a few batches, so that a question does not wait for a long ingestion. `threads` are those
    of torch in the whole process. Weights are read from safetensors only.
    """

    def __init__(self, folder: Path, batch_size: int = 32, device: str = "auto", threads: int | None = None) -> None:
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self.model = _load(folder, device, threads or cores())

    @property
    def description(self) -> str:
        """Program, number format and device."""
        return f"torch {str(self.model.dtype).removeprefix('torch.')} {self.model.device}"

    def encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        """See `Engine.encode`; raises torch's OutOfMemoryError if not even a single text fits."""
        parts: list[Vectors] = []
        done = 0
        while done < len(texts):
            part = texts[done : done + self._batch_size * BATCHES_A_TURN]
            with self._lock:
                parts.append(self._fitting(part, prompt))
            done += len(part)
        return np.concatenate(parts)

    def _fitting(self, texts: Sequence[str], prompt: str) -> Vectors:
        import torch

        while True:
            try:
                return self._computed(texts, prompt)
            except torch.OutOfMemoryError:
                if self._batch_size == 1:
                    raise
                self._batch_size //= 2
                logger.warning("The GPU's memory is full; from now on %d texts are embedded at once.", self._batch_size)
            torch.cuda.empty_cache()

    def _computed(self, texts: Sequence[str], prompt: str) -> Vectors:
        vectors: Any = self.model.encode(
            list(texts),
            prompt=prompt,  # also when empty: None would take the model's default
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)


def _load(folder: Path, device: str, threads: int) -> "SentenceTransformer":
    try:
        import torch
        from safetensors import SafetensorError

        with quiet():
            from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtra(f"Embedding needs the package '{error.name}'.", INSTALL) from error
    torch.set_num_threads(threads)
    half = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    try:
        with quiet():
            return SentenceTransformer(
                str(folder),
                device=None if device == "auto" else device,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": torch.float16 if half else torch.float32},
            )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ModelNotFound(f"The model in '{folder}' cannot be loaded: {error}") from error
