"""What was added to and deleted from a store, in order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors

Ids = npt.NDArray[np.int64]
NO_IDS: Ids = np.empty(0, np.int64)
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """Upserts, then deletions: `added` is int64 [n] beside `vectors` float32 [n, dimension]; `deleted` is int64 [m]."""

    added: Ids
    vectors: Vectors
    deleted: Ids

    def __len__(self) -> int:
        """Number of records: an upsert or a deletion each."""
        return len(self.added) + len(self.deleted)


def adding(ids: Sequence[int], vectors: Vectors, dimension: int) -> Changes:
    """Copy and check what a caller adds; raises StorageError for values that cannot be stored."""
    numbers = _as_ids(ids)
    rows = np.array(vectors, np.float32)
    if rows.size == 0 and len(numbers) == 0:
        rows = rows.reshape(0, dimension)
    _check(numbers, rows, dimension)
    return Changes(numbers, rows, NO_IDS)


def deleting(ids: Collection[int], dimension: int) -> Changes:
    """Return the deletion of these ids, in ascending order."""
    return Changes(NO_IDS, np.empty((0, dimension), np.float32), _as_ids(sorted(ids)))


def merged(batches: Sequence[Changes], dimension: int) -> Changes:
    """Make one batch of many, in which an id occurs once, with what was said of it last."""
    if not batches:
        return deleting([], dimension)
    ids = _joined([part for batch in batches for part in (batch.added, batch.deleted)])
    upserts = _upserts(batches)
    vectors = _joined([batch.vectors for batch in batches])
    last = last_occurrences(ids)
    # A plain load has no repeated id: then the vectors, which may be gigabytes, are not copied again.
    if len(last) < len(ids):
        vectors = vectors[(np.cumsum(upserts) - 1)[last[upserts[last]]]]
    return Changes(ids[last[upserts[last]]], vectors, ids[last[~upserts[last]]])


def _upserts(batches: Sequence[Changes]) -> npt.NDArray[np.bool_]:
    """Say of each record in order whether it is an upsert."""
    counts = [count for batch in batches for count in (len(batch.added), len(batch.deleted))]
    return np.repeat(np.tile([True, False], len(batches)), counts)


def last_occurrences(ids: Ids) -> npt.NDArray[np.intp]:
    """Return the position of every distinct id's last occurrence, ascending."""
    _, from_the_end = np.unique(ids[::-1], return_index=True)
    return np.sort(len(ids) - 1 - from_the_end)


def ids_that_fit(ids: Collection[int]) -> Ids:
    """Return ids as int64 [n]; those that need more than 64 bits are in no store and left out."""
    try:
        return np.fromiter(ids, np.int64, len(ids))
    except OverflowError:
        return np.array([number for number in ids if -(2**63) <= number < 2**63], np.int64)


def _joined(parts: list[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    filled = [part for part in parts if len(part)] or parts[:1]
    return filled[0] if len(filled) == 1 else np.concatenate(filled)


def _as_ids(ids: Sequence[int]) -> Ids:
    try:
        return np.array(ids, np.int64).reshape(len(ids))
    except OverflowError as error:
        outside = next(number for number in ids if not -(2**63) <= number < 2**63)
        raise StorageError(f"Id {outside} does not fit in 64 bits.", "Use ids from -2^63 to 2^63 - 1.") from error


def _check(ids: Ids, vectors: Vectors, dimension: int) -> None:
    hint = "Embed with the model that the knowledge base was made with."
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise StorageError(f"Vectors of shape {vectors.shape} do not fit a store of dimension {dimension}.", hint)
    if len(ids) != len(vectors):
        raise StorageError(f"{len(ids)} ids came with {len(vectors)} vectors.", "Give one vector for each id.")
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        value = vectors[row][~np.isfinite(vectors[row])][0]
        raise StorageError(f"The vector of id {ids[row]} holds {value}, which is not a finite number.", hint)
