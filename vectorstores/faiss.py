"""The default store: exact search by FAISS over vectors kept in one file."""

import logging
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from threading import RLock

import numpy as np

from kb_server.errors import StorageFull
from kb_server.ports import Vectors
from vectorstores.changes import Changes, adding, deleting, merged
from vectorstores.exact_index import ExactIndex
from vectorstores.log import VectorLog
from vectorstores.ranking import checked_query, ranked

logger = logging.getLogger(__name__)

FILE_NAME = "vectors.log"
WORTH_COMPACTING = 1_000  # dead records; below, a new file is not worth its writing


class FaissStore:
    """Ids and unit-length vectors in `folder`; a VectorStore.

    Every call but `add` first reads what other processes have flushed. What this object added or deleted is visible to
    itself at once, to others after `flush`, and wins over what they flushed in between. One lock is held through every
    call, so several threads may search while another adds. Only one process may flush at a time, which its caller sees
    to; an object to which nothing was added never writes. Damaged files raise StorageError from any call.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        self._dimension = dimension
        self._log = VectorLog(folder / FILE_NAME, dimension)
        self._index = ExactIndex(dimension)
        self._lock = RLock()
        self._ids: set[int] = set()
        self._unindexed: list[Changes] = []
        self._unwritten: list[Changes] = []
        self._follow()

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace; vectors are float32 [n, dimension], and of an id given twice the last counts.

        Raises StorageError for NaN or infinity, a wrong dimension, or ids and vectors that do not pair; then nothing
        has changed.
        """
        self._change(adding(ids, vectors, self._dimension))

    def delete(self, ids: Collection[int]) -> None:
        """Remove; ids that are not there are ignored."""
        with self._lock:
            self._follow()
            self._change(deleting(self._ids.intersection(ids), self._dimension))

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first and the lower id first among equals; only `allowed` ids if given."""
        query = checked_query(vector, self._dimension)
        with self._lock:
            self._follow()
            if k < 1 or not self._ids:
                return []
            self._settle()
            chosen = None if allowed is None else np.array(list(self._ids.intersection(allowed)), np.int64)
            found = self._index.candidates(query, k, chosen)
            return ranked(found, self._index.vectors_of(found), query, k)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; raises KeyError for an id that is not there."""
        with self._lock:
            self._follow()
            self._settle()
            if missing := set(ids) - self._ids:
                raise KeyError(min(missing))
            return self._index.vectors_of(np.array(ids, np.int64))

    def ids(self) -> set[int]:
        """Return every id in the store."""
        with self._lock:
            self._follow()
            return set(self._ids)

    def __len__(self) -> int:
        """Number of vectors."""
        with self._lock:
            self._follow()
            return len(self._ids)

    def flush(self) -> None:
        """Write what was added and deleted, all of it or nothing, and wait for the disk.

        Raises StorageFull or StorageError; then nothing is lost, and the same call may be made again.
        """
        with self._lock:
            if not self._unwritten:
                return
            self._follow()
            self._log.append(merged(self._unwritten, self._dimension))
            self._unwritten.clear()
            self._compact()

    def close(self) -> None:
        """Drop what was not flushed, and the memory; a store that is used again reads its file again."""
        with self._lock:
            self._unwritten.clear()
            self._clear()
            self._log.forget()

    def destroy(self) -> None:
        """Remove the folder with all in it, and close."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _change(self, changes: Changes) -> None:
        with self._lock:
            if len(changes):
                self._unwritten.append(changes)
                self._note(changes)

    def _note(self, changes: Changes) -> None:
        """Take changes up; the index has them at the next search, since a removal there is slow one by one."""
        self._unindexed.append(changes)
        self._ids.update(changes.added.tolist())
        self._ids.difference_update(changes.deleted.tolist())

    def _follow(self) -> None:
        """Read what other processes have flushed."""
        if not self._log.changed():
            return
        replaced, batches = self._log.read()
        if replaced:
            self._clear()
        for changes in (*batches, *self._unwritten):
            self._note(changes)

    def _clear(self) -> None:
        self._index.clear()
        self._ids.clear()
        self._unindexed.clear()

    def _settle(self) -> None:
        if self._unindexed:
            self._index.apply(self._unindexed)
            self._unindexed.clear()

    def _compact(self) -> None:
        """Write the file anew when most of its records are replaced or deleted."""
        dead = self._log.records - len(self._ids)
        if dead <= max(WORTH_COMPACTING, self._log.records // 2):
            return
        self._settle()
        try:
            self._log.replace(self._index.contents())
        except StorageFull as error:
            # The flush itself has succeeded; the next one tries this again.
            logger.warning("Compaction is put off: %s", error)
