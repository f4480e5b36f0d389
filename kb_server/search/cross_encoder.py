"""A reranker inside this process: a cross-encoder in a local folder, or in the hub's cache."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.core.errors import MissingExtra, ModelNotFound
from kb_server.runtime.model_files import find_model_folder
from kb_server.runtime.quiet import quiet

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class CrossEncoderReranker:
    """A Reranker on a sequence classifier with one output, such as BAAI/bge-reranker-base; loaded at first use.

    Weights are read from safetensors only. A pair longer than the model's limit is cut at the passage's end.
    """

    def __init__(self, model: str, batch_size: int = 16, device: str = "auto") -> None:
        self._model_name = model
        self._batch_size = batch_size
        self._device = device
        self._lock = threading.Lock()
        self._made: CrossEncoder | None = None

    @property
    def name(self) -> str:
        """The last part of the folder or hub name."""
        return Path(self._model_name).name

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        """Return how well each passage answers the question, 0..1: the sigmoid of the model's output."""
        if not passages:
            return []
        pairs = [(_clean(question), _clean(passage)) for passage in passages]
        with self._lock:
            self._made = self._made or self._load()
            scores = self._made.predict(pairs, batch_size=self._batch_size, show_progress_bar=False)
        return [float(score) for score in scores]

    def _load(self) -> "CrossEncoder":
        folder = find_model_folder(self._model_name)
        try:
            import torch
            from safetensors import SafetensorError

            with quiet():
                from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise MissingExtra(
                f"Reranking needs the package '{error.name}'.", "Run: pip install 'kb-server[embed]'"
            ) from error
        try:
            with quiet():
                model: CrossEncoder = CrossEncoder(
                    str(folder),
                    device=None if self._device == "auto" else self._device,
                    activation_fn=torch.nn.Sigmoid(),
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True},
                )
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise ModelNotFound(f"The reranker in '{folder}' cannot be loaded: {error}") from error
        if model.num_labels != 1:
            raise ModelNotFound(
                f"The model in '{folder}' has {model.num_labels} outputs; a reranker has one.",
                "Name a cross-encoder for relevance, such as BAAI/bge-reranker-base.",
            )
        return model


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
