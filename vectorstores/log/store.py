"""A store over one durable file of vectors: what is new is compared one by one, what is old by an approximate index."""

import logging
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from threading import RLock, Thread
from typing import Any, ClassVar

import numpy as np
from filelock import FileLock, Timeout

from kb_server.core.errors import KbError, StorageFull
from kb_server.core.ports import Vectors
from vectorstores.faiss.exact import GATHER, ExactIndex
from vectorstores.log.changes import NO_IDS, Changes, Ids, adding, deleting, merged
from vectorstores.log.log import VectorLog
from vectorstores.log.manifest import MANIFEST, Position
from vectorstores.log.sealed import IndexKind, Sealed, open_sealed, seal
from vectorstores.ranking import checked_query, ranked

logger = logging.getLogger(__name__)

FILE_NAME = "vectors.log"
WORTH_COMPACTING = 1_000  # dead records; below, a new file is not worth its writing
_COPIED_AT_ONCE = 10_000


class LogStore:
    """Ids and unit-length vectors in `folder`; a VectorStore. A subclass says which approximate index it uses.

    Up to `exact_below` vectors all are compared with the question. With more, those there are are sealed in the
    background: an approximate index names candidates, whose exact vectors are then read from the file and scored. What
    comes after is compared one by one until it is `exact_below` vectors too, and then sealed with the rest.

    Every call but `add` first reads what other processes have flushed. What this object added or deleted is visible to
    itself at once, to others after `flush`, and wins over what they flushed in between. One lock is held through every
    call, so several threads may search while another adds. Only one process may flush at a time, which its caller sees
    to; an object to which nothing was added never writes. Damaged files raise StorageError from any call.
    """

    KIND: ClassVar[IndexKind]

    def __init__(self, folder: Path, dimension: int, exact_below: int = 20_000, **options: Any) -> None:  # noqa: ANN401
        self._folder = folder
        self._dimension = dimension
        self._exact_below = exact_below
        self._options = options
        self._log = VectorLog(folder / FILE_NAME, dimension)
        self._fresh = ExactIndex(dimension)
        self._sealed: Sealed | None = None
        self._manifest_seen: tuple[int, int] | None = None
        self._lock = RLock()
        self._ids: set[int] = set()  # of what is fresh
        self._unindexed: list[Changes] = []
        self._unwritten: list[Changes] = []
        self._sealing: Thread | None = None
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
            there = self._ids.intersection(ids).union(self._sealed_among(ids).tolist())
            self._change(deleting(there, self._dimension))

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first and the lower id first among equals; only `allowed` ids if given."""
        query = checked_query(vector, self._dimension)
        with self._lock:
            self._follow()
            if k < 1 or not len(self):
                return []
            self._settle()
            chosen = None if allowed is None else np.array(list(self._ids.intersection(allowed)), np.int64)
            found = self._fresh.candidates(query, k, chosen)
            vectors = self._fresh.vectors_of(found)
            if self._sealed:
                within = None if allowed is None else self._sealed_among(allowed)
                more, more_vectors = self._sealed.candidates(query, k, within, GATHER)
                found, vectors = np.concatenate([found, more]), np.concatenate([vectors, more_vectors])
            return ranked(found, vectors, query, k)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; raises KeyError for an id that is not there."""
        with self._lock:
            self._follow()
            self._settle()
            sealed = self._sealed_among(ids)
            if missing := set(ids).difference(self._ids, sealed.tolist()):
                raise KeyError(min(missing))
            wanted = np.array(ids, np.int64)
            fresh = ~np.isin(wanted, sealed)
            rows = np.empty((len(wanted), self._dimension), np.float32)
            rows[fresh] = self._fresh.vectors_of(wanted[fresh])
            if self._sealed and len(sealed):
                rows[~fresh] = self._sealed.vectors(wanted[~fresh])
            return rows

    def ids(self) -> set[int]:
        """Return every id in the store."""
        with self._lock:
            self._follow()
            return self._ids.union(self._sealed.live_ids().tolist() if self._sealed else ())

    def __len__(self) -> int:
        """Number of vectors."""
        with self._lock:
            self._follow()
            return len(self._ids) + (self._sealed.count if self._sealed else 0)

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
            self._seal_if_due()

    def close(self) -> None:
        """Drop what was not flushed, and the memory; a store that is used again reads its file again.

        Waits for an index that is being made: it would have to be made again.
        """
        self._finish_sealing()
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
        if self._sealed:
            self._sealed.drop(np.concatenate([changes.added, changes.deleted]))

    def _follow(self) -> None:
        """Read what other processes have flushed or sealed."""
        if (seen := self._manifest_stamp()) != self._manifest_seen:
            self._manifest_seen = seen
            self._adopt()
        elif not self._log.changed():
            return
        replaced, batches = self._log.read()
        if replaced:
            self._clear()
        for changes in batches:
            self._note(changes)
        if replaced or batches:
            for changes in self._unwritten:
                self._note(changes)

    def _adopt(self) -> None:
        """Put a newly sealed part in the place of what it holds, if it is of the log that is there."""
        sealed = open_sealed(self._folder, self._log.path, self._dimension, self.KIND)
        if sealed is None:
            return
        if not self._log.resume(sealed.manifest.position):
            sealed.close()
            return
        self._clear()
        self._sealed = sealed
        for changes in self._unwritten:
            self._note(changes)

    def _manifest_stamp(self) -> tuple[int, int] | None:
        try:
            status = (self._folder / MANIFEST).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _clear(self) -> None:
        self._fresh.clear()
        self._ids.clear()
        self._unindexed.clear()
        if self._sealed:
            self._sealed.close()
        self._sealed = None

    def _settle(self) -> None:
        if self._unindexed:
            self._fresh.apply(self._unindexed)
            self._unindexed.clear()

    def _sealed_among(self, ids: Collection[int]) -> Ids:
        if self._sealed is None or not ids:
            return NO_IDS
        return self._sealed.among(np.array([number for number in ids if -(2**63) <= number < 2**63], np.int64))

    def _compact(self) -> None:
        """Write the file anew when most of its records are replaced or deleted."""
        dead = self._log.records - len(self)
        if dead <= max(WORTH_COMPACTING, self._log.records // 2):
            return
        self._settle()
        try:
            self._log.replace(self._contents())
        except StorageFull as error:
            # The flush itself has succeeded; the next one tries this again.
            logger.warning("Compaction is put off: %s", error)
            return
        if self._sealed:  # it was of the old file
            self._clear()
            self._log.forget()
            self._follow()

    def _contents(self) -> Iterator[Changes]:
        if self._sealed:
            ids = self._sealed.live_ids()
            for start in range(0, len(ids), _COPIED_AT_ONCE):
                part = ids[start : start + _COPIED_AT_ONCE]
                yield Changes(part, self._sealed.vectors(part), NO_IDS)
        yield self._fresh.contents()

    def _seal_if_due(self) -> None:
        if len(self._ids) < self._exact_below or (self._sealing and self._sealing.is_alive()):
            return
        self._sealing = Thread(target=self._seal, args=(self._log.position,), name="seal-vectors")
        self._sealing.start()

    def _finish_sealing(self) -> None:
        """Wait for the index that is being made, and seal what was added meanwhile."""
        left = -1
        while self._sealing:
            self._sealing.join()
            self._sealing = None
            with self._lock:
                self._follow()
                if len(self._ids) != left:  # or it failed, which was logged
                    left = len(self._ids)
                    self._seal_if_due()

    def _seal(self, position: Position) -> None:
        """Make the approximate index, unless another process is at it; a failure costs only speed, and is logged."""
        try:
            with FileLock(self._folder / "seal.lock", blocking=False):
                seal(self._folder, self._log.path, self._dimension, position, self.KIND, self._options)
        except Timeout:
            return
        except (KbError, OSError) as error:
            logger.warning("The index of '%s' could not be made, so searches stay slow: %s", self._folder, error)
