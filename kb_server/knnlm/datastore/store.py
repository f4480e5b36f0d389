"""A knowledge base's datastore: for each token of its text, the hidden state before it.

Rows are numbered in the order they were added, and a number never changes until the store is made again, so ties of
equal distances are broken by it. Nothing is ever deleted in place: which chunks count is said by the caller (the
catalog), so a deleted document's rows are out of play at once.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from kb_server.core.errors import NotFound
from kb_server.core.knn_lm import ModelIdentity
from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore.manifest import DatastoreManifest
from kb_server.knnlm.datastore.projection import Projection, read_projection
from kb_server.knnlm.datastore.segments import Segment, read_segment
from kb_server.knnlm.interpolation import Ints
from kb_server.runtime.once import made_once

_DOCUMENT, _PLACE, _ROW = range(3)


@dataclass(frozen=True, slots=True)
class Active:
    """Rows that are in play, ascending, and the chunk that each belongs to (of overlapping ones the first)."""

    rows: Ints
    owners: Ints

    def owner(self, row: int) -> int:
        """Return the chunk of a row that is in play."""
        return int(self.owners[np.searchsorted(self.rows, row)])


class Datastore:
    """What `folder` holds, as it was when this object was made. Threads may share it."""

    def __init__(self, folder: Path, manifest: DatastoreManifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._segments = [read_segment(folder / name, manifest.dimension) for name in manifest.segments]
        self._firsts = np.cumsum([0, *(len(segment.tokens) for segment in self._segments)])
        tokens = [segment.tokens.astype(np.int64) for segment in self._segments]
        self.tokens: Ints = np.concatenate(tokens) if tokens else np.empty(0, np.int64)
        self._parts = self._located_parts()
        self._chunks = {int(row[0]): row[1:] for row in self._table("chunks", 4)}
        self.lengths = {int(id_): int(length) for id_, length in self._table("documents", 2)}

    @classmethod
    def open(cls, folder: Path, model: ModelIdentity) -> Self:
        """Open the datastore of a model; raises NotFound, ModelMismatch, or StorageError for a damaged one."""
        manifest = DatastoreManifest.read(folder)
        if manifest is None:
            others = [other for path in folder.parent.glob("knn-*") if (other := DatastoreManifest.read(path))]
            if others:
                others[0].check(model)
            raise NotFound("The knowledge base has no datastore for kNN-LM.", "Make one with: kb knn build NAME")
        manifest.check(model)
        return cls(folder, manifest)

    def __len__(self) -> int:
        """Number of rows, those of deleted documents included."""
        return len(self.tokens)

    @made_once
    def projection(self) -> Projection:
        """What turns states into keys."""
        return read_projection(self.folder, self.manifest)

    def active(self, chunk_ids: Iterable[int]) -> Active:
        """Return the rows of these chunks; chunks that the datastore does not have are passed over."""
        owners = np.full(len(self), -1, np.int64)
        for chunk_id in sorted(chunk_ids, reverse=True):
            for first, end in self._ranges(chunk_id):
                owners[first:end] = chunk_id
        rows = np.flatnonzero(owners >= 0)
        return Active(rows, owners[rows])

    def stored(self, document_id: int) -> int:
        """Return how many of a document's tokens are there."""
        return sum(count for _, count, _ in self._parts_of.get(document_id, ()))

    def keys(self, rows: Ints) -> Vectors:
        """Return the keys of ascending rows: float32 [n, dimension]."""
        cuts = np.searchsorted(rows, self._firsts)
        parts = [
            segment.keys[rows[cuts[i] : cuts[i + 1]] - self._firsts[i]]
            for i, segment in enumerate(self._segments)
            if cuts[i] < cuts[i + 1]
        ]
        return np.concatenate(parts).astype(np.float32) if parts else np.empty((0, self.manifest.dimension), np.float32)

    def successors(self, rows: Ints) -> Ints:
        """Return the row of the token after each row's, -1 at the end of a document."""
        part = np.searchsorted(self._parts[:, _ROW], rows, "right") - 1
        here, follow = self._parts[part], np.minimum(part + 1, len(self._parts) - 1)
        last = rows + 1 == here[:, _ROW] + self._counts[part]
        place = here[:, _PLACE] + (rows - here[:, _ROW]) + 1
        there = self._parts[follow]
        goes_on = (there[:, _DOCUMENT] == here[:, _DOCUMENT]) & (there[:, _PLACE] == place)
        return np.where(~last, rows + 1, np.where(goes_on, there[:, _ROW], -1))

    def place(self, row: int) -> tuple[int, int]:
        """Return a row's document and its place among the tokens of that document."""
        document, place, first = self._parts[np.searchsorted(self._parts[:, _ROW], row, "right") - 1]
        return int(document), int(place + row - first)

    def documents(self, rows: Ints) -> Ints:
        """Return the document of each row."""
        found: Ints = self._parts[np.searchsorted(self._parts[:, _ROW], rows, "right") - 1, _DOCUMENT]
        return found

    def beginning(self, document_id: int, place: int) -> tuple[int, int]:
        """Return the last place up to this one whose character is known, and that character's offset."""
        spans = self._spans_of[document_id]
        number = int(np.searchsorted(spans[:, 0], place, "right")) - 1
        return int(spans[number, 0]), int(spans[number, 1])

    def tokens_between(self, document_id: int, first: int, end: int) -> list[int]:
        """Return tokens of a document by place."""
        rows = [range(*one) for one in self._rows_between(document_id, first, end)]
        return [int(self.tokens[row]) for part in rows for row in part]

    def segments(self) -> Sequence[Segment]:
        """Return the segments as they lie in the files."""
        return self._segments

    @made_once
    def _parts_of(self) -> dict[int, list[tuple[int, int, int]]]:
        """Parts of each document: (first place, rows, first row)."""
        found: dict[int, list[tuple[int, int, int]]] = {}
        for (document, place, row), count in zip(self._parts.tolist(), self._counts.tolist(), strict=True):
            found.setdefault(document, []).append((place, count, row))
        return found

    @made_once
    def _spans_of(self) -> dict[int, Ints]:
        """(place, character) of each document, ascending."""
        spans = self._table("spans", 3)
        return {int(id_): spans[spans[:, 0] == id_][:, 1:] for id_ in np.unique(spans[:, 0])}

    def _located_parts(self) -> Ints:
        parts = self._table("parts", 3)
        self._counts: Ints = parts[:, 2]
        rows = np.cumsum(self._counts) - self._counts
        return np.column_stack([parts[:, :2], rows])

    def _table(self, name: str, width: int) -> Ints:
        tables = [getattr(segment, name) for segment in self._segments]
        return np.concatenate(tables) if tables else np.empty((0, width), np.int64)

    def _ranges(self, chunk_id: int) -> list[tuple[int, int]]:
        if chunk_id not in self._chunks:
            return []
        document, first, end = self._chunks[chunk_id]
        return self._rows_between(int(document), int(first), int(end))

    def _rows_between(self, document_id: int, first: int, end: int) -> list[tuple[int, int]]:
        """Return (first row, row behind the last) for each part of a stretch of a document."""
        found = []
        for place, count, row in self._parts_of.get(document_id, ()):
            start, stop = max(first, place), min(end, place + count)
            if start < stop:
                found.append((row + start - place, row + stop - place))
        return found


def remove(folder: Path) -> None:
    """Remove a datastore with all in it."""
    shutil.rmtree(folder, ignore_errors=True)


def rows_mask(count: int, rows: Ints) -> npt.NDArray[np.bool_]:
    """Return which of `count` rows are in play."""
    found = np.zeros(count, np.bool_)
    found[rows] = True
    return found
