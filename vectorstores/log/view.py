"""What a store over a log holds at one moment: a sealed part with an approximate index, and what came after."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kb_server.core.ports import Vectors
from vectorstores.log.changes import NO_IDS, Changes, Ids, ids_that_fit
from vectorstores.log.fresh import FreshRows
from vectorstores.log.sealed import Sealed
from vectorstores.ranking import ranked

_COPIED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Never changes, so that any number of threads may search it while their store goes on."""

    fresh: FreshRows
    sealed: Sealed | None

    @property
    def count(self) -> int:
        """Number of vectors."""
        return self.fresh.count + (self.sealed.count if self.sealed else 0)

    def changed(self, changes: Changes) -> "View":
        """Return the view after changes in which no id occurs twice; see `FreshRows.changed`."""
        gone = np.concatenate([changes.added, changes.deleted])
        return View(self.fresh.changed(changes), self.sealed.without(gone) if self.sealed else None)

    def ids(self) -> set[int]:
        """Return every id."""
        sealed = self.sealed.live_ids() if self.sealed else NO_IDS
        return {*self.fresh.all_ids().tolist(), *sealed.tolist()}

    def among(self, ids: Collection[int]) -> Ids:
        """Return which of these are there."""
        wanted = ids_that_fit(ids)
        return np.concatenate([self.fresh.among(wanted), self._sealed_among(wanted)])

    def search(self, query: Vectors, k: int, allowed: Collection[int] | None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first; see `VectorStore.search`."""
        if k < 1:
            return []
        chosen = None if allowed is None else ids_that_fit(allowed)
        found, vectors = self.fresh.candidates(query, k, chosen)
        if self.sealed:
            more, more_vectors = self.sealed.candidates(query, k, chosen)
            found, vectors = np.concatenate([found, more]), np.concatenate([vectors, more_vectors])
        return ranked(found, vectors, query, k)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; raises KeyError for an id that is not there."""
        if missing := set(ids).difference(self.among(ids).tolist()):
            raise KeyError(min(missing))
        wanted = ids_that_fit(ids)
        sealed = np.isin(wanted, self._sealed_among(wanted))
        rows = np.empty((len(wanted), self.fresh.vectors.shape[1]), np.float32)
        rows[~sealed] = self.fresh.vectors_of(wanted[~sealed])
        if self.sealed and sealed.any():
            rows[sealed] = self.sealed.vectors(wanted[sealed])
        return rows

    def contents(self) -> Iterator[Changes]:
        """Yield every vector as an addition, some at a time."""
        if self.sealed:
            ids = self.sealed.live_ids()
            for start in range(0, len(ids), _COPIED_AT_ONCE):
                part = ids[start : start + _COPIED_AT_ONCE]
                yield Changes(part, self.sealed.vectors(part), NO_IDS)
        yield self.fresh.contents()

    def _sealed_among(self, ids: Ids) -> Ids:
        return self.sealed.among(ids) if self.sealed else NO_IDS
