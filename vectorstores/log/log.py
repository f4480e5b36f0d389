"""The file that holds a store's vectors: appended to by one writer, followed by any number of readers."""

import errno
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from kb_server.core.errors import StorageError, StorageFull
from vectorstores.log.changes import Changes
from vectorstores.log.frames import FILE, REMAKE, FileHeader, encode_frame, read_file_header, scan
from vectorstores.log.manifest import Position

Signature = tuple[int, int, int, int]


class VectorLog:
    """A file of frames (see `frames`) and how much of it this object has read.

    Only one object may append or replace at a time, which a lock outside sees to, and it must have read everything
    before. Reading needs no lock. An unfinished append at the end is ignored, and cut off by the next append. The file
    is read, not mapped: a writer that cuts it would end a process that has it mapped.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self.path = path
        self._dimension = dimension
        self.forget()

    def forget(self) -> None:
        """Go back to having read nothing."""
        self.records = 0
        self._signature: Signature | None = None
        self._identity = b""
        self._end = 0
        self._torn = False

    @property
    def position(self) -> Position:
        """How far this object has read or written."""
        return Position(self._identity.hex(), self._end, self.records)

    def resume(self, position: Position) -> bool:
        """Take what lies before a position as read; False if the file is not the one that the position is in."""
        try:
            with self.path.open("rb", buffering=0) as file:
                signature = _signature(os.fstat(file.fileno()))
                header = read_file_header(file.read(FILE.size), self.path, self._dimension)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if header.identity.hex() != position.identity or signature[2] < position.end:
            return False
        self._identity, self._end, self.records = header.identity, position.end, position.records
        self._signature, self._torn = signature, True  # so that the next read looks at what follows
        return True

    def changed(self) -> bool:
        """Say whether there is something to read; costs one stat."""
        try:
            return self._torn or _signature(self.path.stat()) != self._signature
        except FileNotFoundError:
            return self._signature is not None
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def read(self) -> tuple[bool, list[Changes]]:
        """Return what was appended since the last read; True before it means: the file is another, begin with nothing.

        Raises StorageError for a damaged or foreign file; then the next read tries the same again.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                return self._read(file)
        except FileNotFoundError:
            self.forget()
            return True, []
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def append(self, changes: Changes) -> None:
        """Write one frame and wait until it is on the disk.

        Raises StorageFull or StorageError; then the file is as it was, and the same call may be made again.
        """
        if self._signature is None:
            self.replace([changes])
            return
        try:
            with self.path.open("r+b", buffering=0) as file:
                self._append(file, encode_frame(changes))
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.records += len(changes)

    def replace(self, batches: Iterable[Changes]) -> None:
        """Put a new file with these records in the place of the old one, at once; errors are those of `append`."""
        unnamed = self.path.with_suffix(".new")
        identity = secrets.token_bytes(16)
        records, whole = 0, FILE.size
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with unnamed.open("wb", buffering=0) as file:
                file.seek(FILE.size)
                for changes in batches:
                    whole += _write(file, encode_frame(changes))
                    records += len(changes)
                file.seek(0)
                _write(file, [memoryview(FileHeader(self._dimension, identity, whole).encode())])
                os.fsync(file.fileno())
                signature = _signature(os.fstat(file.fileno()))
            unnamed.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            with suppress(OSError):
                unnamed.unlink(missing_ok=True)
            raise _unwritable(self.path, error) from error
        self._signature, self._identity, self._end = signature, identity, whole
        self._torn, self.records = False, records

    def _read(self, file: FileIO) -> tuple[bool, list[Changes]]:
        signature = _signature(os.fstat(file.fileno()))
        header = read_file_header(file.read(FILE.size), self.path, self._dimension)
        same = self._continues(signature, header)
        start = self._end if same else FILE.size
        file.seek(start)
        found = scan(file.readall(), self._dimension, max(header.whole - start, 0))
        intact = self.records if same else 0
        if isinstance(found, int):
            raise self._damaged(start + found, intact)
        self._signature, self._identity = signature, header.identity
        self._end, self._torn = start + found.size, found.torn
        self.records = intact + sum(map(len, found.batches))
        return not same, found.batches

    def _continues(self, signature: Signature, header: FileHeader) -> bool:
        """Say whether it is the file read before, grown: not replaced, and not an older copy that was put back."""
        if self._signature is None:
            return False
        same_inode = signature[:2] == self._signature[:2]
        return same_inode and header.identity == self._identity and signature[2] >= self._end

    def _append(self, file: FileIO, frame: list[memoryview]) -> None:
        file.truncate(self._end)
        file.seek(self._end)
        try:
            size = _write(file, frame)
            os.fsync(file.fileno())
        except OSError:
            # If even this fails, what is left is an unfinished append, which readers ignore.
            with suppress(OSError):
                file.truncate(self._end)
                os.fsync(file.fileno())
            raise
        self._end += size
        self._signature, self._torn = _signature(os.fstat(file.fileno())), False

    def _damaged(self, position: int, intact: int) -> StorageError:
        with self.path.open("rb") as file:
            file.seek(FILE.size)
            before = scan(file.read(position - FILE.size), self._dimension, 0)
        if not isinstance(before, int):
            intact = sum(map(len, before.batches))
        message = f"Vector file '{self.path}' is damaged at byte {position}: the {intact} records before are intact."
        return StorageError(message, REMAKE)


def _signature(status: os.stat_result) -> Signature:
    """Return what changes whenever the file does: device, inode, size in bytes, time in nanoseconds."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _write(file: FileIO, buffers: Iterable[memoryview]) -> int:
    """Write all and return how many bytes. An unbuffered write may stop short: before a full disk, or after 2 GiB."""
    total = 0
    for buffer in buffers:
        written = 0
        while written < len(buffer):
            written += file.write(buffer[written:])
        total += written
    return total


def _sync_folder(folder: Path) -> None:
    """Make a file's new name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"Vector file '{path}' cannot be read: {error.strerror}.", "Check its rights and its disk.")


def _unwritable(path: Path, error: OSError) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        message = f"No space is left for vector file '{path}'; what was committed is intact."
        return StorageFull(message, "Free some space and run the same command again.")
    message = f"Vector file '{path}' cannot be written: {error.strerror}; what was committed is intact."
    return StorageError(message, "Check its rights and its disk, and run the same command again.")
