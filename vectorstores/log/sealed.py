"""The part of a store that is too large to be compared one by one: files that never change, named by a manifest.

    sealed.json        what the other files are, their checksums, and the place in the log up to which they hold it
    sealed-TOKEN.rows  int64 [2, n]: the id of each row, and the byte of the log at which its vector begins
    sealed-TOKEN.index the approximate index over the row numbers

All of it is derived from the log: whatever is damaged or missing is made again, and until then the log alone answers.
"""

import json
import logging
import os
import secrets
import zlib
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from kb_server.core.ports import Vectors
from vectorstores.log.changes import Ids
from vectorstores.log.manifest import MANIFEST, VERSION, IndexManifest, Position, read_manifest
from vectorstores.log.rows import GONE, RowReader, live_rows

_QUERIES = 100

_NOISE = 0.75  # a question lies about as far from its passage (a cosine of 0.8) as a vector from itself with this added


class Sample:
    """Queries float32 [n, dimension] near stored vectors, with their k true neighbours by brute force."""

    k = 10

    def __init__(self, reader: RowReader, offsets: Ids) -> None:
        chance = np.random.default_rng(1)
        live = np.flatnonzero(offsets != GONE)
        chosen = np.sort(chance.choice(live, min(_QUERIES, len(live)), replace=False))
        vectors = reader.read(offsets[chosen])
        noise = chance.standard_normal(vectors.shape).astype(np.float32)
        self.queries: Vectors = vectors + _NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        self.queries /= np.maximum(np.linalg.norm(self.queries, axis=1, keepdims=True), 1e-12)
        self._true = live[self._nearest(reader, offsets[live])]

    def recall(self, found: Ids) -> float:
        """Return the share of true neighbours among the rows found, int64 [n, any]."""
        hits = [len(np.intersect1d(true, rows)) for true, rows in zip(self._true, found, strict=True)]
        return float(np.sum(hits) / self._true.size)

    def _nearest(self, reader: RowReader, offsets: Ids) -> Ids:
        k = min(self.k, len(offsets))
        scores = np.full((len(self.queries), k), -np.inf, np.float32)
        rows = np.full((len(self.queries), k), -1, np.int64)
        for start, vectors in reader.blocks(offsets):
            numbers = np.broadcast_to(np.arange(start, start + len(vectors)), (len(self.queries), len(vectors)))
            all_scores = np.hstack([scores, self.queries @ vectors.T])
            all_rows = np.hstack([rows, numbers])
            best = np.argpartition(-all_scores, k - 1, axis=1)[:, :k]
            scores, rows = np.take_along_axis(all_scores, best, 1), np.take_along_axis(all_rows, best, 1)
        return rows


logger = logging.getLogger(__name__)

_BLOCK = 1 << 22
_GATHERED = 500  # allowed ids up to which reading their vectors beats asking the index


class Approximate(Protocol):
    """An index over row numbers, in a file; several threads may search it at once. See `IvfIndex` and `AnnoyIndex`."""

    def candidates(self, query: Vectors, k: int, among: npt.NDArray[np.bool_] | None, count: int) -> Ids:
        """Return numbers of rows that most likely hold the k best of the `count` marked in `among` (None: all)."""
        ...


class IndexKind(Protocol):
    """The class of an approximate index."""

    KIND: str

    def __call__(self, path: Path, parameters: Mapping[str, Any]) -> Approximate:
        """Open the file."""
        ...

    def build(
        self, reader: RowReader, offsets: Ids, dimension: int, path: Path, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write a file with a row for each offset, and return what `__call__` and `extend` need to know of it."""
        ...

    def extend(
        self, old: Path, parameters: Mapping[str, Any], reader: RowReader, offsets: Ids, before: int, path: Path
    ) -> dict[str, Any] | None:
        """Write the old file with rows from number `before` on added and gone ones taken out; None: build it again."""
        ...


class Sealed:
    """A sealed part that is open. It never changes: threads may search it while another takes ids out of a copy.

    Its files are closed when nobody holds it any more, since a search may go on after its store was closed.
    """

    def __init__(self, folder: Path, log: Path, manifest: IndexManifest, kind: IndexKind) -> None:
        self.manifest = manifest
        stored = np.fromfile(folder / f"sealed-{manifest.token}.rows", "<i8").reshape(2, manifest.rows)
        self._ids: Ids = stored[0]
        self._offsets: Ids = stored[1]
        self._live = self._offsets != GONE
        rows = np.flatnonzero(self._live)  # an id that was replaced has other rows, which are gone
        self._order = rows[np.argsort(self._ids[rows])].astype(np.int32)
        self._sorted = self._ids[self._order]
        self.count = int(np.count_nonzero(self._live))
        self._index: Approximate = kind(folder / f"sealed-{manifest.token}.index", manifest.parameters)
        self._reader = RowReader(log, manifest.dimension)

    def without(self, ids: Ids) -> "Sealed":
        """Return it with ids taken out; those that are not there are ignored."""
        rows = self._rows_of(ids)
        if not len(rows):
            return self
        rest = copy(self)
        rest._live = self._live.copy()
        rest._live[rows] = False
        rest.count = self.count - len(rows)
        return rest

    def live_ids(self) -> Ids:
        """Return every id, int64 [count]."""
        ids: Ids = self._ids[self._live]
        return ids

    def among(self, ids: Ids) -> Ids:
        """Return which of these are there."""
        return self._ids[self._rows_of(ids)]

    def vectors(self, ids: Ids) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; all must be there."""
        return self._read(self._rows_of(ids))[np.searchsorted(np.unique(ids), ids)]

    def candidates(self, query: Vectors, k: int, allowed: Ids | None) -> tuple[Ids, Vectors]:
        """Return ids that most likely hold the k best, with their exact vectors; of few allowed ones all."""
        if allowed is not None:
            rows = self._rows_of(allowed)
            if len(rows) > max(k, _GATHERED):
                marked = np.zeros(len(self._live), bool)
                marked[rows] = True
                rows = self._index.candidates(query, k, marked, len(rows))
        elif self.count > k:
            all_live = self.count == len(self._live)
            rows = self._index.candidates(query, k, None if all_live else self._live, self.count)
        else:
            rows = np.flatnonzero(self._live)
        rows = np.sort(rows)  # neighbours in the file are read together
        return self._ids[rows], self._read(rows)

    def _read(self, rows: Ids) -> Vectors:
        return self._reader.read(self._offsets[rows])

    def _rows_of(self, ids: Ids) -> Ids:
        """Return the rows of those of these ids that are there, each once, in the order of the ids."""
        wanted = np.unique(ids)
        at = np.searchsorted(self._sorted, wanted)
        at[at == len(self._sorted)] = 0
        rows = self._order[at].astype(np.int64)
        found: Ids = rows[(self._ids[rows] == wanted) & self._live[rows]]
        return found


def open_sealed(folder: Path, log: Path, dimension: int, kind: IndexKind) -> Sealed | None:
    """Open what the manifest names; None, with a warning, if it is damaged, and silently if there is none."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.kind != kind.KIND or manifest.dimension != dimension:
        return None
    if not _intact(folder, manifest):
        return None
    try:
        return Sealed(folder, log, manifest, kind)
    except (OSError, RuntimeError):  # FAISS has RuntimeError, Annoy an OSError without a number
        if read_manifest(folder) == manifest:
            raise
        return None  # it has just been replaced; the new manifest is read next time


def seal(
    folder: Path,
    log: Path,
    dimension: int,
    position: Position,
    kind: IndexKind,
    options: Mapping[str, Any],
) -> None:
    """Index the log up to a position, from the sealed part there is where that can be extended, and publish it."""
    token = secrets.token_hex(8)
    index, rows_file = folder / f"sealed-{token}.index", folder / f"sealed-{token}.rows"
    live = live_rows(log, dimension, position)
    if not len(live.ids):
        return  # what made sealing due is not flushed yet
    with RowReader(log, dimension) as reader:
        old = read_manifest(folder)
        if old and old.position.identity != position.identity:
            old = None  # its offsets are those of a file that was replaced since
        extended = _extended(folder, old, live.ids, live.offsets, reader, kind, index) if old else None
        if extended:
            ids, offsets, parameters = extended
        else:
            ids, offsets = live.ids, live.offsets
            parameters = kind.build(reader, offsets, dimension, index, options)
    np.stack([ids, offsets]).astype("<i8").tofile(rows_file)
    files = {path.name: list(_checksum(path)) for path in (index, rows_file)}
    manifest = IndexManifest(VERSION, kind.KIND, dimension, position, len(ids), parameters, token, files)
    _publish(folder, manifest)


def _extended(
    folder: Path,
    old: IndexManifest,
    ids: Ids,
    offsets: Ids,
    reader: RowReader,
    kind: IndexKind,
    path: Path,
) -> tuple[Ids, Ids, dict[str, Any]] | None:
    """Number the live rows behind those of the old index, and let it take them in if it can."""
    if old.kind != kind.KIND or not _intact(folder, old):
        return None
    stored = np.fromfile(folder / f"sealed-{old.token}.rows", "<i8").reshape(2, old.rows)
    old_offsets = np.where(np.isin(stored[1], offsets), stored[1], GONE)
    fresh = ~np.isin(offsets, stored[1])
    all_ids = np.concatenate([stored[0], ids[fresh]])
    all_offsets = np.concatenate([old_offsets, offsets[fresh]])
    source = folder / f"sealed-{old.token}.index"
    parameters = kind.extend(source, old.parameters, reader, all_offsets, old.rows, path)
    return (all_ids, all_offsets, parameters) if parameters else None


def _intact(folder: Path, manifest: IndexManifest) -> bool:
    for name, stored in manifest.files.items():
        path = folder / Path(name).name  # whatever the manifest says, nothing outside is looked at
        if list(_checksum(path)) != stored:
            logger.warning("'%s' is damaged; the index is made again from the log.", path)
            return False
    return True


def _publish(folder: Path, manifest: IndexManifest) -> None:
    for name in manifest.files:
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
    unnamed = folder / f"{MANIFEST}.new"
    with unnamed.open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unnamed.replace(folder / MANIFEST)
    for path in folder.glob("sealed-*"):
        if path.name not in manifest.files:
            with suppress(OSError):
                path.unlink()


def _checksum(path: Path) -> tuple[int, int]:
    """Return size and crc32; (-1, 0) for a file that is not there."""
    size = crc = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                size += len(block)
                crc = zlib.crc32(block, crc)
    except FileNotFoundError:
        return -1, 0
    return size, crc
