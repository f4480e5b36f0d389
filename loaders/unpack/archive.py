"""Zip files from strangers: opened and read within bounds."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kb_server.core.errors import LoadError
from loaders.source import unreadable

MOST_UNPACKED = 1 << 30
"""Bytes that all members of a file may come to."""

_MOST_DIRECTORY = 32 << 20
_END_RECORD = b"PK\x05\x06"
_LONGEST_END = 22 + 0xFFFF
_HINT = "Save or download it again."

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted member
    ValueError,
    KeyError,
    struct.error,
)
"""What zipfile raises for members that cannot be read."""


@contextmanager
def open_archive(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip file; raises LoadError for one that is damaged or would unpack to too much.

    The sizes are those the file states; zipfile never reads more of a member than it states.
    """
    _check_directory(path, name)
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise LoadError(f"'{name}' is a damaged Office document or archive.", _HINT) from error
    with archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MOST_UNPACKED:
            raise LoadError(f"'{name}' would unpack to {unpacked / 1024**3:.1f} GB.", "Split it.")
        yield archive


def _check_directory(path: Path, name: str) -> None:
    """Refuse a list of members that would itself fill the memory, before it is read."""
    try:
        with path.open("rb") as file:
            file.seek(-min(_LONGEST_END, path.stat().st_size), 2)
            tail = file.read()
    except OSError as error:
        raise unreadable(name, error) from error
    at = tail.rfind(_END_RECORD)
    if at < 0 or len(tail) < at + 22:
        raise LoadError(f"'{name}' is a damaged Office document or archive.", _HINT)
    size = struct.unpack_from("<I", tail, at + 12)[0]
    if size > _MOST_DIRECTORY:
        raise LoadError(f"'{name}' is an archive of too many files.", "Split it.")
