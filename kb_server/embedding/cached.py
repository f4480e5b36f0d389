"""An embedder that remembers the last questions."""

from collections.abc import Sequence
from functools import lru_cache

from kb_server.core.ports import Embedder, Vectors

_QUESTIONS = 512  # 0.8 MB at 384 dimensions


class CachedEmbedder:
    """An Embedder in front of another: one question is embedded once, however many steps need its vector."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._query = lru_cache(maxsize=_QUESTIONS)(self._embed_query)

    @property
    def name(self) -> str:
        """What users call the model."""
        return self._embedder.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._embedder.dimension

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the embedder behind."""
        return self._embedder.fingerprint

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts as passages: float32 [n, dimension]; not remembered."""
        return self._embedder.embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32 [dimension], read-only."""
        return self._query(text)

    def _embed_query(self, text: str) -> Vectors:
        vector = self._embedder.embed_query(text)
        vector.setflags(write=False)
        return vector
