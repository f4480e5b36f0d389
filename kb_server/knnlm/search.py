"""Finding the nearest keys: exactly, among rows that are in memory."""

from typing import Protocol

import numpy as np

from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore.store import Active, Datastore
from kb_server.knnlm.interpolation import Distances, Ints

_SPARE = 16  # candidates beyond k whose distances are computed again: a matrix product rounds
_BLOCK = 1 << 26  # distances in memory at once


class KeySearch(Protocol):
    """Finds rows near states that are projected already."""

    active: Active

    def nearest(self, queries: Vectors, k: int) -> tuple[Distances, Ints]:
        """Return squared distances [m, n] and rows [m, n] of the n = min(k, rows) nearest, ties by the lower row.

        An approximate search may find fewer: then rows are -1 and distances infinite at the end.
        """
        ...


class ExactSearch:
    """Compares a query with every active key: one matrix product for any number of queries."""

    def __init__(self, store: Datastore, active: Active) -> None:
        self.active = active
        self._keys = store.keys(active.rows)
        self._lengths = (self._keys**2).sum(1)

    def nearest(self, queries: Vectors, k: int) -> tuple[Distances, Ints]:
        """Return squared distances and rows, nearest first."""
        count = min(k, len(self._keys))
        step = max(1, _BLOCK // max(1, len(self._keys)))
        parts = [self._block(queries[start : start + step], count) for start in range(0, len(queries), step)]
        if not parts or not count:
            return np.empty((len(queries), count), np.float32), np.empty((len(queries), count), np.int64)
        distances, rows = zip(*parts, strict=True)
        return np.concatenate(distances), np.concatenate(rows)

    def _block(self, queries: Vectors, count: int) -> tuple[Distances, Ints]:
        rough = self._lengths - 2 * (queries @ self._keys.T)
        wanted = min(count + _SPARE, len(self._keys))
        places = np.argpartition(rough, wanted - 1, axis=1)[:, :wanted] if wanted < len(self._keys) else None
        if places is None:
            places = np.broadcast_to(np.arange(len(self._keys)), (len(queries), len(self._keys)))
        return ranked(queries, self._keys, self.active.rows, places, count)


def ranked(queries: Vectors, keys: Vectors, rows: Ints, places: Ints, count: int) -> tuple[Distances, Ints]:
    """Return the nearest `count` of the candidates [m, c], numbers of `keys`, with distances computed exactly."""
    distances = exact_distances(queries, keys, places)
    found = rows[places]
    order = np.lexsort((found, distances), axis=1)[:, :count]
    return np.take_along_axis(distances, order, 1), np.take_along_axis(found, order, 1)


def exact_distances(queries: Vectors, keys: Vectors, places: Ints) -> Distances:
    """Return squared distances [m, c] from each query to its candidates, by differences."""
    apart = (keys[row] - query for query, row in zip(queries, places, strict=True))
    return np.stack([np.einsum("ij,ij->i", one, one) for one in apart])
