"""A vector store in one SQLite file, compared one by one: for small bases, and as an example of a plug-in."""

import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors
from vectorstores.log.changes import adding
from vectorstores.ranking import checked_query, ranked

FILE = "vectors.sqlite"


class SqliteStore:
    """A VectorStore: what is added or deleted is a transaction that `flush` commits. Threads may share an object.

    `busy_seconds` is how long a write waits for another process: `store: {sqlite: {busy_seconds: 5}}` in the settings.
    """

    def __init__(
        self, folder: Path, dimension: int, busy_seconds: Annotated[float, Field(ge=0, le=600)] = 30.0
    ) -> None:
        self._folder = folder
        self._busy_seconds = busy_seconds
        self._dimension = dimension
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    @staticmethod
    def describe(folder: Path, busy_seconds: float = 30.0) -> dict[str, Any]:
        """Say for `kb list` which index there is, without opening it; it is called with the options, too."""
        return {"kind": "exact", "parameters": {"busy_seconds": busy_seconds}, "file": str(folder / FILE)}

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace; raises StorageError for what cannot be stored, and then nothing has changed."""
        changes = adding(ids, vectors, self._dimension)
        rows = [(id_, row.tobytes()) for id_, row in zip(changes.added.tolist(), changes.vectors, strict=True)]
        with self._database() as database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def delete(self, ids: Collection[int]) -> None:
        """Remove; ids that are not there are ignored."""
        with self._database() as database:
            database.executemany("DELETE FROM vectors WHERE id = ?", [(id_,) for id_ in ids])

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first and the lower id first among equals; only `allowed` ids if given."""
        query = checked_query(vector, self._dimension)
        rows = self._rows()
        kept = sorted(rows.keys() if allowed is None else rows.keys() & set(allowed))
        return ranked(np.array(kept, np.int64), self._stacked([rows[id_] for id_ in kept]), query, k)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; raises KeyError for an id that is not there."""
        rows = self._rows()
        return self._stacked([rows[id_] for id_ in ids])

    def ids(self) -> set[int]:
        """Return every id in the store."""
        with self._database() as database:
            return {id_ for (id_,) in database.execute("SELECT id FROM vectors")}

    def __len__(self) -> int:
        return len(self.ids())

    def flush(self) -> None:
        """Commit."""
        with self._database() as database:
            database.commit()

    def close(self) -> None:
        """Let go of the file; what was not flushed is dropped."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def destroy(self) -> None:
        """Remove the file and close."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _rows(self) -> dict[int, bytes]:
        with self._database() as database:
            return dict(database.execute("SELECT id, vector FROM vectors").fetchall())

    def _stacked(self, rows: list[bytes]) -> Vectors:
        return np.frombuffer(b"".join(rows), np.float32).reshape(len(rows), self._dimension)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread, open; SQLite's errors become StorageError."""
        with self._lock:
            try:
                self._connection = self._connection or self._open()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise StorageError(f"{self._folder / FILE} cannot be used: {error}.", "Check the disk.") from error

    def _open(self) -> sqlite3.Connection:
        self._folder.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._folder / FILE, check_same_thread=False, timeout=self._busy_seconds)
        database.execute("PRAGMA journal_mode = WAL")  # who reads waits for nobody who writes
        database.execute("CREATE TABLE IF NOT EXISTS vectors (id INTEGER PRIMARY KEY, vector BLOB NOT NULL)")
        database.commit()
        return database
