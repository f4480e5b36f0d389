"""The format of an exported knowledge base: a zip file whose manifest has a checksum of everything else in it.

manifest.json    what this page's models say
documents.jsonl  a document a line: its text, and where it is cut into chunks
vectors.f32      float32, little-endian, one row of `dimension` for each chunk in that order
originals/NAME   the documents' files, each under a random name of 32 hexadecimal digits
"""

import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Annotated, Literal
from zipfile import BadZipFile, ZipFile, ZipInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kb_server.core.errors import BrokenArchive, StorageError

VERSION = 1
MANIFEST, DOCUMENTS, VECTORS, ORIGINALS = "manifest.json", "documents.jsonl", "vectors.f32", "originals/"
_ENTRY = re.compile(rf"{re.escape(DOCUMENTS)}|{re.escape(VECTORS)}|{ORIGINALS}[0-9a-f]{{32}}")
_LARGEST_MANIFEST = 1 << 28
_BLOCK = 1 << 20


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseEntry(_Part):
    """The knowledge base itself."""

    name: str
    store: str
    embedder: str
    fingerprint: str
    dimension: int = Field(ge=1, le=100_000)
    fusion: dict[str, float] | None
    fusion_chunks: int = 0
    description: str = ""


class FileEntry(_Part):
    """Size in bytes and sha256 of an entry."""

    bytes: int = Field(ge=0)
    sha256: str


class ArchiveManifest(_Part):
    """What an archive says of itself."""

    format: Literal["kb-export"]
    version: int
    knowledge_base: BaseEntry
    documents: int = Field(ge=0)
    chunks: int = Field(ge=0)
    entries: dict[str, FileEntry]


class DocumentEntry(_Part):
    """A document; a chunk is [start, end, page, heading path]; `edited` has other wordings by a chunk's place."""

    name: Annotated[str, Field(min_length=1, max_length=1000)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    pages: int | None
    text: str
    chunks: list[tuple[int, int, int | None, list[str]]]
    tags: list[str] = []
    edited: dict[int, str] = {}

    @model_validator(mode="after")
    def _chunks_lie_within(self) -> "DocumentEntry":
        if any(not 0 <= start <= end <= len(self.text) for start, end, _, _ in self.chunks):
            raise ValueError("a chunk lies outside its document")
        if any(not 0 <= place < len(self.chunks) for place in self.edited):
            raise ValueError("a wording is of no chunk")
        return self


class Archive:
    """An export that was checked from end to end: what it is read from here is what was written."""

    def __init__(self, file: ZipFile, manifest: ArchiveManifest, path: Path) -> None:
        self._file = file
        self._path = path
        self.manifest = manifest

    def documents(self) -> Iterator[DocumentEntry]:
        """Yield the documents in order."""
        with self._file.open(DOCUMENTS) as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield DocumentEntry.model_validate_json(line)
                except ValidationError as error:
                    raise broken(self._path, f"line {number} of {DOCUMENTS} is no document") from error

    @contextmanager
    def open(self, entry: str) -> Iterator[IO[bytes]]:
        """Open an entry of the manifest."""
        with self._file.open(entry) as reader:
            yield reader


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open an archive and compare every byte with its checksum; raises StorageError, before anything is used."""
    with _explained(path):
        file = ZipFile(path)
    with file:
        with _explained(path):
            manifest = _manifest(file, path)
            _check_entries(file, manifest, path)
        yield Archive(file, manifest, path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"'{path}' cannot be read: {error.strerror}.", "Check the path and its rights.") from error
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        # RuntimeError: zipfile's word for an entry with a password; NotImplementedError: an unknown compression.
        raise broken(path, str(error)) from error


def broken(path: Path, reason: str) -> BrokenArchive:
    """Return the error for an archive that cannot be trusted."""
    return BrokenArchive(str(path), reason)


def _manifest(file: ZipFile, path: Path) -> ArchiveManifest:
    try:
        info = file.getinfo(MANIFEST)
    except KeyError as error:
        raise broken(path, f"it has no {MANIFEST}") from error
    if info.file_size > _LARGEST_MANIFEST:
        raise broken(path, f"its {MANIFEST} has {info.file_size} bytes")
    try:
        content = file.read(MANIFEST)
        _Version.model_validate_json(content).refuse_newer(path)
        return ArchiveManifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise broken(path, f"its {MANIFEST} is wrong at '{where}': {first['msg']}") from error


class _Version(BaseModel):
    version: int

    def refuse_newer(self, path: Path) -> None:
        if self.version > VERSION:
            message = f"'{path}' has export version {self.version}, and this program reads up to {VERSION}; "
            raise StorageError(message + "nothing was imported.", "Upgrade kb-server.")


def _check_entries(file: ZipFile, manifest: ArchiveManifest, path: Path) -> None:
    infos = _entries(file, path)
    for info in infos:
        _check_entry(info, manifest, path)
    if missing := {DOCUMENTS, VECTORS, *manifest.entries} - {info.filename for info in infos}:
        raise broken(path, f"'{min(missing)}' is missing")
    if manifest.entries[VECTORS].bytes != 4 * manifest.chunks * manifest.knowledge_base.dimension:
        raise broken(path, f"{VECTORS} does not have a vector for each chunk")
    for info in infos:
        if _digest(file, info) != manifest.entries[info.filename].sha256:
            raise broken(path, f"the checksum of '{info.filename}' is wrong")


def _entries(file: ZipFile, path: Path) -> list[ZipInfo]:
    """Return the entries beside the manifest; refuse two of one name."""
    names = file.namelist()
    if len(set(names)) != len(names):
        raise broken(path, "it has two entries of one name")
    return [info for info in file.infolist() if info.filename != MANIFEST]


def _check_entry(info: ZipInfo, manifest: ArchiveManifest, path: Path) -> None:
    """Refuse names that lead anywhere, links, and what the manifest does not know."""
    link = stat.S_ISLNK(info.external_attr >> 16)
    if link or not _ENTRY.fullmatch(info.filename) or info.filename not in manifest.entries:
        raise broken(path, f"the entry {info.filename!r} does not belong there")
    if info.file_size != manifest.entries[info.filename].bytes:
        raise broken(path, f"'{info.filename}' has {info.file_size} bytes")


def _digest(file: ZipFile, info: ZipInfo) -> str:
    digest = sha256()
    with file.open(info) as reader:
        while block := reader.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
