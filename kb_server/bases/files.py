"""The folder of one knowledge base. Nothing in it is named by a user: the base's id and random names only."""

import hashlib
import secrets
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import IO

from kb_server.core.errors import LoadError, StorageError, StorageFull

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptOriginal:
    """A file that was copied in: its generated name, the sha256 of what was copied, and its bytes."""

    name: str
    sha256: str
    size: int


class BaseFiles:
    """Where a base keeps its vectors, its word index and the originals of its documents."""

    def __init__(self, home: Path, base_id: str) -> None:
        self.folder = home / "bases" / base_id
        # The name has the version of what counts as a term: a new one starts an empty index, filled from the catalog.
        self.lexical = self.folder / "lexical-2"
        self.originals = self.folder / "originals"
        self.evaluations = self.folder / "evaluations"
        self.write_lock = self.folder / "write.lock"

    def vectors(self, generation: str) -> Path:
        """Return the folder of a store; a base that moves to another store or embedder gets another generation."""
        return self.folder / generation

    def kept(self, fingerprint: str) -> Path:
        """Return the folder of vectors that snapshots need, made by the embedder of this fingerprint."""
        return self.folder / f"kept-{hashlib.sha256(fingerprint.encode()).hexdigest()[:16]}"

    def make(self) -> None:
        """Make the folder if it is not there."""
        try:
            self.originals.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.originals, error) from error

    def keep(self, source: Path) -> KeptOriginal:
        """Copy a file in under a generated name."""
        try:
            reader = source.open("rb")
        except OSError as error:
            raise _unreadable(error) from error
        with reader:
            return self.keep_stream(reader)

    def keep_stream(self, reader: IO[bytes]) -> KeptOriginal:
        """Do what `keep` does with what a stream holds."""
        name = secrets.token_hex(16)
        try:
            return KeptOriginal(name, *_write(reader, self.originals / name))
        except OSError as error:
            self.discard([name])
            raise _unwritable(self.originals / name, error) from error

    def original(self, name: str) -> Path:
        """Return where the file with this generated name lies."""
        return self.originals / name

    def discard(self, names: Collection[str]) -> None:
        """Remove originals; names that are not there, and the empty name, are ignored."""
        for name in filter(None, names):
            (self.originals / name).unlink(missing_ok=True)

    def size(self, name: str) -> int | None:
        """Return how many bytes an original has, None if it is not there."""
        path = self.originals / name
        return path.stat().st_size if path.is_file() else None

    def names(self) -> set[str]:
        """Return the generated names of all originals."""
        return {path.name for path in self.originals.iterdir()}

    def delete(self) -> None:
        """Remove the folder with all in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def digest_of(path: Path) -> str:
    """Return the sha256 of a file; raises LoadError if it cannot be read."""
    try:
        with path.open("rb") as reader:
            return hashlib.file_digest(reader, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(error) from error


def _write(reader: IO[bytes], target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as writer:
        while block := reader.read(_BLOCK):
            digest.update(block)
            size += writer.write(block)
    return digest.hexdigest(), size


def _unreadable(error: OSError) -> LoadError:
    return LoadError(f"The file cannot be read: {error.strerror}.", "Check its permissions.")


def _unwritable(path: Path, error: OSError) -> StorageError:
    if error.errno in (ENOSPC, EDQUOT):
        return StorageFull(f"No space is left at '{path.parent}'.", "Free some space and run the same command again.")
    return StorageError(f"'{path}' cannot be written: {error.strerror}.", "Check the permissions of KB_HOME.")
