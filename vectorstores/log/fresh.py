"""The vectors of a store that no index holds yet: in memory, compared with a query one by one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kb_server.core.ports import Vectors
from vectorstores.log.changes import NO_IDS, Changes, Ids, Number

Mask = npt.NDArray[np.bool_]

_SLACK = 1e-5  # more than float32 can be wrong in a product of two unit vectors
_GATHERED = 4  # a share of the rows up to a quarter is copied and compared sooner than all are


@dataclass(frozen=True, slots=True, eq=False)
class FreshRows:
    """Ids and vectors that never change, so threads may search them while the next are made from them.

    `live` is bool [rows], False for a row that was replaced or deleted. `ids` (int64) and `vectors` (float32) may have
    room behind the rows there are; `changed` fills it without a copy, so it is for the newest of a line only.
    """

    ids: Ids
    vectors: Vectors
    live: Mask

    @classmethod
    def none(cls, dimension: int) -> "FreshRows":
        """Return no rows."""
        return cls(NO_IDS, np.empty((0, dimension), np.float32), np.empty(0, bool))

    @property
    def count(self) -> int:
        """Number of vectors."""
        return int(np.count_nonzero(self.live))

    def changed(self, changes: Changes) -> "FreshRows":
        """Return these rows after changes in which no id occurs twice."""
        live = self.live.copy()
        live[self._rows(np.concatenate([changes.added, changes.deleted]))] = False
        ids, vectors = self.ids, self.vectors
        if 2 * np.count_nonzero(live) < len(live):
            ids, vectors, live = ids[: len(live)][live], vectors[: len(live)][live], np.ones(live.sum(), bool)
        start, end = len(live), len(live) + len(changes.added)
        if start == end:
            return FreshRows(ids, vectors, live)
        if start == 0:
            return FreshRows(changes.added, changes.vectors, np.ones(end, bool))  # a whole store is not copied again
        if end > len(ids):
            room = max(end, 2 * start)
            ids, vectors = _with_room(ids[:start], room), _with_room(vectors[:start], room)
        ids[start:end], vectors[start:end] = changes.added, changes.vectors
        return FreshRows(ids, vectors, np.concatenate([live, np.ones(end - start, bool)]))

    def all_ids(self) -> Ids:
        """Return every id, int64 [count]."""
        found: Ids = self._ids[self.live]
        return found

    def among(self, ids: Ids) -> Ids:
        """Return which of these are there."""
        return self._ids[self._rows(ids)]

    def contents(self) -> Changes:
        """Return every vector as an addition."""
        return Changes(self.all_ids(), self.vectors[: len(self.live)][self.live], NO_IDS)

    def vectors_of(self, ids: Ids) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; all must be there."""
        rows = np.flatnonzero(self.live)
        rows = rows[np.argsort(self.ids[rows])]
        found: Vectors = self.vectors[rows[np.searchsorted(self.ids[rows], ids)]]
        return found

    def candidates(self, query: Vectors, k: int, allowed: Ids | None) -> tuple[Ids, Vectors]:
        """Return ids, in no order, and vectors that hold the k best of `allowed` (None: all).

        More than k are returned where float32 cannot tell which of several is better.
        """
        rows = np.flatnonzero(self.live) if allowed is None else self._rows(allowed)
        if len(rows) > k:
            # The score is clipped, so beyond -1 and 1 all are equal.
            products = np.clip(self._products(query, rows), -1, 1)
            rows = rows[products >= np.partition(products, -k)[-k] - 2 * _SLACK]
        return self.ids[rows], self.vectors[rows]

    @property
    def _ids(self) -> Ids:
        return self.ids[: len(self.live)]

    def _rows(self, ids: Ids) -> Ids:
        """Return the rows of those of these ids that are there, each once."""
        return np.flatnonzero(self.live & np.isin(self._ids, ids))

    def _products(self, query: Vectors, rows: Ids) -> Vectors:
        """Return the query's product with each row, float32 [rows].

        By einsum, which uses one core: a team of threads for one question costs more than it saves, and on a busy
        machine waits for its slowest; `@` took 12 ms for 10,000 rows instead of 0.3.
        """
        some = _GATHERED * len(rows) < len(self.live)
        compared = self.vectors[rows] if some else self.vectors[: len(self.live)]
        products: Vectors = np.einsum("ij,j->i", compared, query)
        return products if some else products[rows]


def _with_room(filled: npt.NDArray[Number], rows: int) -> npt.NDArray[Number]:
    roomy = np.empty((rows, *filled.shape[1:]), filled.dtype)
    roomy[: len(filled)] = filled
    return roomy
