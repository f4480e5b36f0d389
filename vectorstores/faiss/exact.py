"""A FAISS index that compares a query with every vector; faiss is imported when the first one is made."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kb_server.core.ports import Vectors
from vectorstores.faiss.module import imported_faiss, one_thread
from vectorstores.log.changes import Changes, Ids, deleting, merged

SLACK = 1e-5  # more than float32 can be wrong in a product of two unit vectors
GATHER = 500  # allowed ids up to which fetching their vectors beats FAISS passing over all (0.5 ms each way)


class ExactIndex:
    """Vectors by id, in memory. Not safe for threads: its owner holds a lock."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._faiss: Any = imported_faiss()
        self.clear()

    def clear(self) -> None:
        """Drop every vector."""
        self._flat: Any = self._faiss.IndexFlatIP(self._dimension)
        self._index: Any = self._faiss.IndexIDMap2(self._flat)

    def apply(self, batches: Sequence[Changes]) -> None:
        """Add and delete, in order. A removal passes over the whole index, so many batches at once cost one pass."""
        changes = merged(batches, self._dimension)
        gone = np.concatenate([changes.added, changes.deleted])
        if np.isin(gone, self._ids()).any():
            self._index.remove_ids(self._faiss.IDSelectorBatch(gone))
        if len(changes.added):
            self._index.add_with_ids(changes.vectors, changes.added)

    def contents(self) -> Changes:
        """Return every vector as an addition; the vectors are a view that ends with the next change."""
        if self._index.ntotal == 0:
            return deleting([], self._dimension)
        count = self._index.ntotal * self._dimension
        vectors = self._faiss.rev_swig_ptr(self._flat.get_xb(), count).reshape(-1, self._dimension)
        return Changes(self._ids(), vectors, np.empty(0, np.int64))

    def vectors_of(self, ids: Ids) -> Vectors:
        """Return float32 [n, dimension]; all ids must be there."""
        if len(ids) == 0:
            return np.empty((0, self._dimension), np.float32)
        rows: Vectors = self._index.reconstruct_batch(ids)
        return rows

    def candidates(self, query: Vectors, k: int, allowed: Ids | None) -> Ids:
        """Return ids, in no order, that hold the k best of `allowed`; all of those must be there.

        More than k are returned where FAISS's float32 cannot tell which of several is better.
        """
        count = self._index.ntotal if allowed is None else len(allowed)
        if allowed is not None and count <= max(GATHER, k):
            return allowed
        if count <= k:
            return self._ids()
        one_thread(self._faiss)
        options = None if allowed is None else self._chosen(allowed)
        products, ids = self._index.search(query[None], k + 1, params=options)
        # The score is clipped, so beyond -1 and 1 all are equal.
        best, next_best = np.clip(products[0, k - 1 :], -1, 1)
        if best - next_best > 2 * SLACK:
            found: Ids = ids[0, :k]
            return found
        lowest = best - 2 * SLACK if best > 2 * SLACK - 1 else -np.finfo(np.float32).max
        _, _, within = self._index.range_search(query[None], float(lowest), params=options)
        tied: Ids = within
        return tied

    def _chosen(self, allowed: Ids) -> Any:  # noqa: ANN401 faiss has no types
        return self._faiss.SearchParameters(sel=self._faiss.IDSelectorBatch(allowed))

    def _ids(self) -> Ids:
        ids: Ids = self._faiss.vector_to_array(self._index.id_map)
        return ids
