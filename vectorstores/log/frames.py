"""The bytes of a vector file, format version 1. Numbers are little-endian.

    file   magic 8s · version u32 · dimension u32 · identity 16s · whole u64 · 4 zeros · crc32 of what is before u32
    frame  magic 8s · added u64 · deleted u64 · crc32 of the payload u32 · crc32 of the 28 bytes before u32
           payload: ids added i64 [added] · ids deleted i64 [deleted] · vectors f32 [added, dimension]

A frame is one flush, so a flush is there whole or not at all. `identity` is random for each file, since the system may
give the inode of a replaced file to the next one. The first `whole` bytes were written before the file got its name:
damage there is never an append that was cut short.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kb_server.core.errors import StorageError
from vectorstores.log.changes import Changes, Ids

FILE_MAGIC = b"KBVECTOR"
FRAME_MAGIC = b"\xf5KBFRAME"
VERSION = 1
FILE = struct.Struct("<8sII16sQ4xI")
FRAME = struct.Struct("<8sQQII")
_BLOCK = 1 << 20
CHECKED = FRAME.size - 4  # what the last field of a frame's header covers

REMAKE = "Remove the file and run `kb ingest` to make it again, or load an export with `kb import`."


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What a file says of itself; `identity` is 16 bytes, `whole` a size in bytes."""

    dimension: int
    identity: bytes
    whole: int

    def encode(self) -> bytes:
        """Return the header's bytes."""
        fields = (FILE_MAGIC, VERSION, self.dimension, self.identity, self.whole)
        return FILE.pack(*fields, zlib.crc32(FILE.pack(*fields, 0)[:-4]))


def read_file_header(data: bytes, path: Path, dimension: int) -> FileHeader:
    """Decode the first bytes of a file; raises StorageError if it is not one that can be read as `dimension`."""
    if len(data) < FILE.size or not data.startswith(FILE_MAGIC):
        raise StorageError(f"File '{path}' is not a vector file: nothing in it is intact.", REMAKE)
    _, version, found, identity, whole, crc = FILE.unpack_from(data)
    if version > VERSION:
        message = f"Vector file '{path}' has format version {version}, and this program reads up to {VERSION}; "
        raise StorageError(message + "the file is left as it is.", f"Upgrade kb-server. {REMAKE}")
    if crc != zlib.crc32(data[: FILE.size - 4]):
        raise StorageError(f"Vector file '{path}' is damaged in its header: nothing in it is known intact.", REMAKE)
    if found != dimension:
        message = f"Vector file '{path}' holds vectors of dimension {found}, not {dimension}; its content is intact."
        raise StorageError(message, f"Use the embedder it was made with. {REMAKE}")
    return FileHeader(found, identity, whole)


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """How many records a frame has, and the crc32 of its payload."""

    added: int
    deleted: int
    crc: int

    def size(self, dimension: int) -> int:
        """Return the frame's length in bytes, header included."""
        return FRAME.size + 8 * (self.added + self.deleted) + 4 * self.added * dimension

    def encode(self) -> bytes:
        """Return the header's bytes."""
        fields = (FRAME_MAGIC, self.added, self.deleted, self.crc)
        return FRAME.pack(*fields, zlib.crc32(FRAME.pack(*fields, 0)[:CHECKED]))


def encode_frame(changes: Changes) -> list[memoryview]:
    """Return a frame as buffers to be written one after another; the vectors are not copied."""
    arrays = changes.added.astype("<i8"), changes.deleted.astype("<i8"), changes.vectors.astype("<f4", copy=False)
    payload = [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays]
    crc = 0
    for buffer in payload:
        crc = zlib.crc32(buffer, crc)
    header = FrameHeader(len(changes.added), len(changes.deleted), crc)
    return [memoryview(header.encode()), *payload]


@dataclass(frozen=True, slots=True)
class Scan:
    """The intact frames of a stretch of file: `size` bytes of it; `torn` says that an unfinished append follows."""

    batches: list[Changes]
    size: int
    torn: bool


def scan(data: bytes, dimension: int, whole: int) -> Scan | int:
    """Read frames until the data ends; returns the byte where it is damaged, if that is no unfinished append.

    Damage is an unfinished append when nothing intact comes after it and it lies beyond the first `whole` bytes.
    """
    batches: list[Changes] = []
    position = 0
    while position < len(data):
        header = _frame_header(data, position)
        end = position + header.size(dimension) if header else len(data)
        if header is None or not _payload_intact(data, position, end, header):
            torn = position >= whole and _is_last(data, position, end)
            return Scan(batches, position, torn=True) if torn else position
        batches.append(_decode(data, position, header, dimension))
        position = end
    return Scan(batches, position, torn=False) if position >= whole else position


def read_ids(file: BinaryIO, end: int, dimension: int) -> Iterator[tuple[int, Ids, Ids]]:
    """Yield (where its vectors begin, ids added, ids deleted) of each frame of the file's first `end` bytes.

    The vectors, which may be a whole book's, are checked and not held. Raises ValueError for a frame that is damaged.
    """
    position = FILE.size
    file.seek(position)
    while position < end:
        header = _frame_header(file.read(FRAME.size), 0)
        if header is None:
            raise ValueError(f"the frame at byte {position} is damaged")
        records = header.added + header.deleted
        ids = file.read(8 * records)
        if _crc32_of_next(file, 4 * header.added * dimension, zlib.crc32(ids)) != header.crc:
            raise ValueError(f"the frame at byte {position} is damaged")
        numbers = np.frombuffer(ids, "<i8", records)
        yield position + FRAME.size + len(ids), numbers[: header.added], numbers[header.added :]
        position += header.size(dimension)


def _crc32_of_next(file: BinaryIO, size: int, crc: int) -> int:
    """Return the crc32 that goes on with the next `size` bytes, or all that are there."""
    while size and (block := file.read(min(size, _BLOCK))):
        crc = zlib.crc32(block, crc)
        size -= len(block)
    return crc


def _frame_header(data: bytes, position: int) -> FrameHeader | None:
    if len(data) - position < FRAME.size:
        return None
    magic, added, deleted, crc, own_crc = FRAME.unpack_from(data, position)
    intact = magic == FRAME_MAGIC and own_crc == zlib.crc32(data[position : position + CHECKED])
    return FrameHeader(added, deleted, crc) if intact else None


def _payload_intact(data: bytes, position: int, end: int, header: FrameHeader) -> bool:
    """Say whether what follows a frame's header is all there, and as it was written."""
    return end <= len(data) and zlib.crc32(memoryview(data)[position + FRAME.size : end]) == header.crc


def _is_last(data: bytes, position: int, end: int) -> bool:
    """Say whether nothing intact comes after the frame at `position`, which is to end at `end`."""
    return end >= len(data) and not _frame_follows(data, position)


def _frame_follows(data: bytes, position: int) -> bool:
    """Say whether the header of a frame lies anywhere after the one at `position`."""
    found = data.find(FRAME_MAGIC, position + 1)
    while found >= 0 and _frame_header(data, found) is None:
        found = data.find(FRAME_MAGIC, found + 1)
    return found >= 0


def _decode(data: bytes, position: int, header: FrameHeader, dimension: int) -> Changes:
    """Return a frame's records as views of the data."""
    start = position + FRAME.size
    records = header.added + header.deleted
    ids = np.frombuffer(data, "<i8", records, start)
    vectors = np.frombuffer(data, "<f4", header.added * dimension, start + 8 * records)
    return Changes(ids[: header.added], vectors.reshape(header.added, dimension), ids[header.added :])
