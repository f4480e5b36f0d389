"""The bytes of a segment: an immutable file of keys and of what they belong to. Numbers are little-endian.

    file     magic 8s · version u32 · dimension u32 · documents, chunks, spans, parts, rows u64 · crc32 of the payload
             u32 · crc32 of what is before u32
    payload  documents i64 [.., 2] · chunks i64 [.., 4] · spans i64 [.., 3] · parts i64 [.., 3] · tokens u32 [rows]
             · keys f16 [rows, dimension]

A segment gets its name when it is whole, and counts once the manifest lists it. Places count tokens of a document.

    documents  id, number of its tokens                      chunks  id, document, first place, place behind the last
    spans      document, place, character it starts at       parts   document, place of its first row, rows
"""

import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kb_server.core.errors import StorageError
from kb_server.knnlm.datastore.manifest import unwritable
from kb_server.knnlm.datastore.projection import Keys
from kb_server.knnlm.interpolation import Ints

MAGIC = b"KBKNNSEG"
VERSION = 1
_HEADER = struct.Struct("<8sII5QII")
_WIDTHS = (2, 4, 3, 3)  # columns of the four tables
_REMAKE = "Remove the datastore and make it again: kb knn build NAME --anew"


@dataclass(frozen=True, slots=True)
class Segment:
    """Tables as in the file; `keys` may be mapped from it."""

    documents: Ints
    chunks: Ints
    spans: Ints
    parts: Ints
    tokens: npt.NDArray[np.uint32]
    keys: Keys

    @property
    def tables(self) -> tuple[Ints, Ints, Ints, Ints]:
        """The four tables in order."""
        return self.documents, self.chunks, self.spans, self.parts


def write_segment(path: Path, segment: Segment) -> None:
    """Write a file, wait until it is on the disk, and only then give it its name; raises StorageFull, StorageError."""
    arrays = [*(table.astype("<i8") for table in segment.tables), segment.tokens.astype("<u4")]
    buffers = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in [*arrays, segment.keys]]
    crc = 0
    for buffer in buffers:
        crc = zlib.crc32(buffer.data, crc)
    counts = [len(table) for table in segment.tables]
    fields = (MAGIC, VERSION, segment.keys.shape[1], *counts, len(segment.tokens), crc)
    header = _HEADER.pack(*fields, zlib.crc32(_HEADER.pack(*fields, 0)[:-4]))
    unnamed = path.with_suffix(".new")
    try:
        with unnamed.open("wb") as file:
            file.write(header)
            for buffer in buffers:
                file.write(buffer.data)
            file.flush()
            os.fsync(file.fileno())
        unnamed.replace(path)
    except OSError as error:
        with suppress(OSError):
            unnamed.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def read_segment(path: Path, dimension: int) -> Segment:
    """Read a segment's tables and map its keys; raises StorageError unless every byte is as it was written."""
    try:
        mapped = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise StorageError(f"The datastore's file '{path}' cannot be read: {error}.", _REMAKE) from error
    data = mapped.data
    version, found, *counts, rows, crc = _header(data, path)
    if version > VERSION or found != dimension:
        message = f"The datastore's file '{path}' has format {version} with keys of {found}; expected {dimension}."
        raise StorageError(message, _REMAKE)
    size = _HEADER.size + sum(8 * w * n for w, n in zip(_WIDTHS, counts, strict=True)) + rows * (4 + 2 * dimension)
    if len(data) != size or crc != zlib.crc32(data[_HEADER.size :]):
        raise StorageError(f"The datastore's file '{path}' is damaged or was cut short.", _REMAKE)
    return _decoded(mapped, counts, rows, dimension)


def _header(data: memoryview, path: Path) -> tuple[int, ...]:
    """Return what a file's header says, its magic and its own checksum left out, which are right."""
    if len(data) < _HEADER.size or bytes(data[:8]) != MAGIC:
        raise StorageError(f"'{path}' is not a datastore's file.", _REMAKE)
    _, *fields, own_crc = _HEADER.unpack_from(data)
    if own_crc != zlib.crc32(data[: _HEADER.size - 4]):
        raise StorageError(f"The datastore's file '{path}' is damaged in its header.", _REMAKE)
    return tuple(fields)


def _decoded(mapped: npt.NDArray[np.uint8], counts: list[int], rows: int, dimension: int) -> Segment:
    position = _HEADER.size
    tables: list[Ints] = []
    for count, width in zip(counts, _WIDTHS, strict=True):
        end = position + 8 * count * width
        tables.append(np.frombuffer(mapped[position:end].tobytes(), "<i8").reshape(count, width))
        position = end
    tokens = np.frombuffer(mapped[position : position + 4 * rows].tobytes(), "<u4")
    keys = mapped[position + 4 * rows :].view("<f2").reshape(rows, dimension)
    documents, chunks, spans, parts = tables
    return Segment(documents, chunks, spans, parts, tokens, keys)
