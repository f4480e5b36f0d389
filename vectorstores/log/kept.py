"""Vectors of what a knowledge base has let go of and a snapshot still lists."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from kb_server.core.ports import Vectors
from vectorstores.log.changes import Changes, adding, deleting, merged
from vectorstores.log.log import VectorLog

FILE_NAME = "kept.log"


class KeptVectors:
    """A file of vectors that are only read to bring them back; one process at a time writes to it."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._dimension = dimension
        self._log = VectorLog(folder / FILE_NAME, dimension)

    def keep(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Add float32 [n, dimension], durable when this returns."""
        if self._log.changed():
            self._log.read()
        self._log.append(adding(ids, vectors, self._dimension))

    def among(self, ids: Collection[int]) -> tuple[list[int], Vectors]:
        """Return which of these ids are kept, and their vectors."""
        contents = self._contents()
        chosen = np.isin(contents.added, np.array(list(ids), np.int64))
        return contents.added[chosen].tolist(), contents.vectors[chosen]

    def forget(self, ids: Collection[int]) -> None:
        """Remove these ids; others stay."""
        contents = self._contents()
        rest = merged([contents, deleting(ids, self._dimension)], self._dimension)
        if len(rest.added) < len(contents.added):
            self._log.replace([Changes(rest.added, rest.vectors, rest.deleted[:0])])

    def _contents(self) -> Changes:
        self._log.forget()
        _, batches = self._log.read()
        return merged(batches, self._dimension)
