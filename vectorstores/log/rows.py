"""The live vectors of a log, found by their place in it, without holding them in memory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from weakref import finalize

import numpy as np
import numpy.typing as npt

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors
from vectorstores.log.changes import Ids, last_occurrences
from vectorstores.log.frames import FILE, read_file_header, read_ids
from vectorstores.log.manifest import Position

_ROWS_AT_ONCE = 2_048
GONE = -1  # the offset of a row that was replaced or deleted


@dataclass(frozen=True, slots=True, eq=False)
class LiveRows:
    """Ids and the bytes at which their vectors begin, both int64 [n], in the order they were added."""

    ids: Ids
    offsets: Ids


def live_rows(path: Path, dimension: int, position: Position) -> LiveRows:
    """Read a log up to a position, checking every frame; raises StorageError for damage or another file."""
    ids: list[Ids] = []
    offsets: list[Ids] = []
    try:
        with path.open("rb") as file:
            header = read_file_header(file.read(FILE.size), path, dimension)
            if header.identity.hex() != position.identity:
                raise ValueError("it was written again meanwhile")
            for start, added, deleted in read_ids(file, position.end, dimension):
                ids += added, deleted
                offsets.append(start + 4 * dimension * np.arange(len(added), dtype=np.int64))
                offsets.append(np.full(len(deleted), GONE, np.int64))
    except (OSError, ValueError) as error:
        raise StorageError(f"Vector file '{path}' cannot be indexed: {error}.", "Run `kb ingest` again.") from error
    all_ids, all_offsets = (
        np.concatenate([*ids, np.empty(0, np.int64)]),
        np.concatenate([*offsets, np.empty(0, np.int64)]),
    )
    last = last_occurrences(all_ids)
    last = last[all_offsets[last] != GONE]
    return LiveRows(all_ids[last], all_offsets[last])


class RowReader:
    """Reads vectors of an open log by where they begin; the file stays readable when it is replaced meanwhile.

    It is closed as a context, or with the last reference to this object: never while another thread reads.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self._dimension = dimension
        self._descriptor = os.open(path, os.O_RDONLY)
        self.close = finalize(self, os.close, self._descriptor)
        self.close.atexit = False

    def read(self, offsets: npt.NDArray[np.int64]) -> Vectors:
        """Return float32 [n, dimension]; rows that lie one after another are read at once."""
        size = 4 * self._dimension
        rows = np.empty((len(offsets), self._dimension), np.float32)
        if not len(offsets):
            return rows
        starts = np.flatnonzero(np.diff(offsets, prepend=offsets[:1] - 2 * size) != size)
        for first, last in zip(starts, [*starts[1:], len(offsets)], strict=True):
            data = os.pread(self._descriptor, size * int(last - first), int(offsets[first]))
            if len(data) != size * (last - first):
                raise StorageError(f"Vector file '{self._path}' is shorter than its index says.", "Run `kb ingest`.")
            rows[first:last] = np.frombuffer(data, "<f4").reshape(-1, self._dimension)
        return rows

    def blocks(self, offsets: npt.NDArray[np.int64]) -> Iterator[tuple[int, Vectors]]:
        """Yield (number of the first row, vectors) until all are read."""
        for start in range(0, len(offsets), _ROWS_AT_ONCE):
            yield start, self.read(offsets[start : start + _ROWS_AT_ONCE])

    def __enter__(self) -> "RowReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
