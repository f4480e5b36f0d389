"""The store that every other is compared with: brute force over a dict."""

from collections.abc import Collection, Sequence
from threading import Lock

import numpy as np

from kb_server.core.ports import Vectors
from vectorstores.log.changes import adding
from vectorstores.ranking import checked_query, ranked


class MemoryStore:
    """Ids and vectors of this process; nothing is ever written. Safe to use from several threads."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._vectors: dict[int, Vectors] = {}
        self._lock = Lock()

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace; vectors are float32 [n, dimension], and of an id given twice the last counts.

        Raises StorageError for NaN or infinity, a wrong dimension, or ids and vectors that do not pair; then nothing
        has changed.
        """
        changes = adding(ids, vectors, self._dimension)
        with self._lock:
            self._vectors.update(zip(changes.added.tolist(), changes.vectors, strict=True))

    def delete(self, ids: Collection[int]) -> None:
        """Remove; ids that are not there are ignored."""
        with self._lock:
            for number in ids:
                self._vectors.pop(number, None)

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first and the lower id first among equals; only `allowed` ids if given."""
        query = checked_query(vector, self._dimension)
        with self._lock:
            kept = self._vectors.keys() if allowed is None else self._vectors.keys() & set(allowed)
            ids = np.array(list(kept), np.int64)
            rows = [self._vectors[number] for number in kept]
        return ranked(ids, np.array(rows, np.float32).reshape(len(rows), self._dimension), query, k)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; raises KeyError for an id that is not there."""
        with self._lock:
            rows = [self._vectors[number] for number in ids]
        return np.array(rows, np.float32).reshape(len(rows), self._dimension)

    def ids(self) -> set[int]:
        """Return every id in the store."""
        with self._lock:
            return set(self._vectors)

    def __len__(self) -> int:
        """Number of vectors."""
        return len(self._vectors)

    def flush(self) -> None:
        """Do nothing: memory is never durable."""

    def close(self) -> None:
        """Do nothing: there are no files."""

    def destroy(self) -> None:
        """Forget every vector."""
        self._vectors.clear()
