"""A store over one durable file of vectors: what is new is compared one by one, what is old by an approximate index."""

import logging
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any, ClassVar

import numpy as np
from filelock import FileLock, Timeout

from kb_server.core.errors import KbError, StorageFull
from kb_server.core.ports import Vectors
from vectorstores.log.changes import NO_IDS, Changes, Ids, adding, deleting, ids_that_fit, merged
from vectorstores.log.fresh import FreshRows
from vectorstores.log.log import VectorLog
from vectorstores.log.manifest import MANIFEST, Position
from vectorstores.log.sealed import IndexKind, Sealed, open_sealed, seal
from vectorstores.ranking import checked_query, ranked

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


logger = logging.getLogger(__name__)

FILE_NAME = "vectors.log"

WORTH_COMPACTING = 1_000  # dead records; below, a new file is not worth its writing


class LogStore:
    """Ids and unit-length vectors in `folder`; a VectorStore. A subclass says which approximate index it uses.

    Up to `exact_below` vectors all are compared with the question. With more, those there are are sealed in the
    background: an approximate index names candidates, whose exact vectors are then read from the file and scored. What
    comes after is compared one by one until it is `exact_below` vectors too, and then sealed with the rest.

    Every call but `add` first reads what other processes have flushed. What this object added or deleted is visible to
    itself at once, to others after `flush`, and wins over what they flushed in between. Threads may share an object:
    a search takes a view that never changes and goes on outside the lock, so searches run beside each other, and
    neither they nor adds and deletions wait for a flush. Only one process may flush at a time, which its caller sees
    to; an object to which nothing was added never writes. Damaged files raise StorageError from any call.
    """

    KIND: ClassVar[IndexKind]

    def __init__(self, folder: Path, dimension: int, exact_below: int = 20_000, **options: Any) -> None:  # noqa: ANN401
        self._folder = folder
        self._path = folder / FILE_NAME
        self._dimension = dimension
        self._exact_below = exact_below
        self._options = options
        # Taken in this order. `_lock` guards all below and is never held for longer than it takes to read what was
        # flushed; `_writing` is held while the file is written, `_adopting` while a sealed part is opened.
        self._adopting, self._writing, self._lock = Lock(), Lock(), Lock()
        self._appending = False  # then the log is the writer's, and there is nothing of others in it
        self._unwritten: list[Changes] = []
        self._pending: list[Changes] = []  # not in the view yet, since a removal there is slow one by one
        self._sealing: Thread | None = None
        self._manifest_seen = self._manifest_stamp()
        self._log, self._view = self._read_all()

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace; vectors are float32 [n, dimension], and of an id given twice the last counts.

        Raises StorageError for NaN or infinity, a wrong dimension, or ids and vectors that do not pair; then nothing
        has changed.
        """
        changes = adding(ids, vectors, self._dimension)
        with self._lock:
            self._change(changes)

    def delete(self, ids: Collection[int]) -> None:
        """Remove; ids that are not there are ignored."""
        with self._lock:
            self._follow()
            self._change(deleting(self._settled().among(ids).tolist(), self._dimension))

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first and the lower id first among equals; only `allowed` ids if given."""
        query = checked_query(vector, self._dimension)
        return self._current().search(query, k, allowed)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; raises KeyError for an id that is not there."""
        return self._current().vectors(ids)

    def ids(self) -> set[int]:
        """Return every id in the store."""
        return self._current().ids()

    def __len__(self) -> int:
        """Number of vectors."""
        return self._current().count

    def flush(self) -> None:
        """Write what was added and deleted, all of it or nothing, and wait for the disk.

        Raises StorageFull or StorageError; then nothing is lost, and the same call may be made again.
        """
        with self._writing:
            with self._lock:
                if not self._unwritten:
                    return
                self._follow()
                batches, view = list(self._unwritten), self._settled()
                self._appending = True
            try:
                self._log.append(merged(batches, self._dimension))
                with self._lock:
                    del self._unwritten[: len(batches)]
                self._compact(view)
            finally:
                self._appending = False
            self._seal_if_due()

    def close(self) -> None:
        """Drop what was not flushed, and the memory; a store that is used again reads its file again.

        Waits for an index that is being made: it would have to be made again. Searches that run go on.
        """
        self._finish_sealing()
        with self._writing, self._lock:
            self._unwritten.clear()
            self._clear()
            self._log.forget()
            self._manifest_seen = None

    def destroy(self) -> None:
        """Remove the folder with all in it, and close."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _change(self, changes: Changes) -> None:
        if len(changes):
            self._unwritten.append(changes)
            self._pending.append(changes)

    def _current(self) -> View:
        """Return what there is now, with what other processes have flushed or sealed."""
        if self._manifest_stamp() != self._manifest_seen:
            self._adopt()
        with self._lock:
            self._follow()
            return self._settled()

    def _follow(self) -> None:
        """Read what other processes have flushed; while this one flushes, no other does."""
        if self._appending or not self._log.changed():
            return
        replaced, batches = self._log.read()
        if replaced:
            self._clear()
        if replaced or batches:
            self._pending += [*batches, *self._unwritten]

    def _settled(self) -> View:
        if self._pending:
            self._view = self._view.changed(merged(self._pending, self._dimension))
            self._pending.clear()
        return self._view

    def _clear(self) -> None:
        self._view = View(FreshRows.none(self._dimension), None)
        self._pending.clear()

    def _adopt(self) -> None:
        """Put a newly sealed part in the place of what it holds, unless another thread is at it; searches go on."""
        if not self._adopting.acquire(blocking=False):
            return
        try:
            self._manifest_seen = self._manifest_stamp()
            log, view = self._read_all()
            with self._writing, self._lock:
                self._take_over(log, view)
        finally:
            self._adopting.release()

    def _take_over(self, log: VectorLog, view: View) -> None:
        self._log, self._view, self._pending = log, view, list(self._unwritten)
        self._follow()  # what was flushed since it was read

    def _read_all(self) -> tuple[VectorLog, View]:
        """Read the files: the sealed part, if it is of the log that is there, and the log behind it."""
        log, fresh = VectorLog(self._path, self._dimension), FreshRows.none(self._dimension)
        sealed = open_sealed(self._folder, self._path, self._dimension, self.KIND)
        if sealed and not log.resume(sealed.manifest.position):
            sealed = None
        replaced, batches = log.read()
        view = View(fresh, None if replaced else sealed)
        return log, view.changed(merged(batches, self._dimension)) if batches else view

    def _manifest_stamp(self) -> tuple[int, int] | None:
        try:
            status = (self._folder / MANIFEST).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _compact(self, view: View) -> None:
        """Write the file again, with what it holds, when most of its records are replaced or deleted."""
        dead = self._log.records - view.count
        if dead <= max(WORTH_COMPACTING, self._log.records // 2):
            return
        try:
            self._log.replace(view.contents())
        except StorageFull as error:
            # The flush itself has succeeded; the next one tries this again.
            logger.warning("Compaction is put off: %s", error)
            return
        if view.sealed:  # it was of the old file
            log, rest = self._read_all()
            with self._lock:
                self._appending = False
                self._take_over(log, rest)

    def _seal_if_due(self) -> None:
        with self._lock:
            due = self._settled().fresh.count >= self._exact_below
            if not due or (self._sealing and self._sealing.is_alive()):
                return
            self._sealing = Thread(target=self._seal, args=(self._log.position,), name="seal-vectors")
            self._sealing.start()

    def _finish_sealing(self) -> None:
        """Wait for the index that is being made, and seal what was added meanwhile."""
        left = -1
        while sealing := self._sealing:
            sealing.join()
            self._sealing = None
            fresh = self._current().fresh.count
            if fresh != left:  # or it failed, which was logged
                left = fresh
                with self._writing:
                    self._seal_if_due()

    def _seal(self, position: Position) -> None:
        """Make the approximate index, unless another process is at it; a failure costs only speed, and is logged."""
        try:
            with FileLock(self._folder / "seal.lock", blocking=False):
                seal(self._folder, self._path, self._dimension, position, self.KIND, self._options)
            self._adopt()
        except Timeout:
            return
        except (KbError, OSError) as error:
            logger.warning("The index of '%s' could not be made, so searches stay slow: %s", self._folder, error)
