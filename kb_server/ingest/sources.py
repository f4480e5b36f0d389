"""Which files a list of paths means, and the name each gets in a knowledge base."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kb_server.core.errors import KbError, LoadError

_LONGEST_NAME = 1000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to ingest: where it is, what the document will be called, and its size in bytes.

    `origin` is what to tell users in place of the path: of what lies in an archive or mail, or comes from the web;
    `refused` is why it could not be taken out, if so. `root` is the folder that was asked for, if the file was found
    below one. `read_as` is the file name that tells a fetched page's kind, where its document is called by its URL.
    """

    path: Path
    name: str
    size: int
    origin: str = ""
    refused: str = ""
    root: Path | None = None
    read_as: str = ""

    @property
    def shown(self) -> str:
        """The path as users know it."""
        return printable(self.origin or str(self.path))


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that could not be ingested, and why, in words a person understands."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """Sources that were found, and what could not be had."""

    sources: list[SourceFile] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def find_sources(paths: Iterable[Path]) -> tuple[list[SourceFile], list[Failure]]:
    """Return the files meant, in order of name, and what could not be looked at.

    A file's document is called by its file name, a folder's by their paths within the folder. Hidden files and folders
    are passed over; links to folders are not followed, so a walk always ends.
    """
    sources: dict[str, SourceFile] = {}
    failures: list[Failure] = []
    for path in paths:
        for found in _walk(path, failures):
            name = document_name(found.name if found == path else found.relative_to(path).as_posix())
            try:
                source = SourceFile(found, name, _size(found), root=None if found == path else path)
                _refuse_second(source, sources)
            except KbError as error:
                failures.append(Failure(printable(str(found)), str(error)))
            else:
                sources[name] = source
    return sorted(sources.values(), key=lambda source: source.name), failures


def is_url(text: str) -> bool:
    """Tell an address of the web from a path."""
    return text.lower().startswith(("http://", "https://"))


def document_name(name: str) -> str:
    """Make a name fit to be stored and shown: valid Unicode in its composed form, without control characters."""
    return unicodedata.normalize("NFC", printable(name))[:_LONGEST_NAME]


def printable(text: str) -> str:
    """Replace what is not text (undecodable bytes, control characters) by U+FFFD."""
    return "".join("\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character for character in text)


def _walk(path: Path, failures: list[Failure]) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return

    def refused(error: OSError) -> None:
        folder = printable(str(error.filename))
        failures.append(Failure(folder, f"The folder cannot be read: {error.strerror}. Check its permissions."))

    for folder, folders, files in os.walk(path, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(files) if not name.startswith("."))


def _size(path: Path) -> int:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise LoadError("There is no such file.", "Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise LoadError(f"The file cannot be reached: {error}.", "Check the path and its permissions.") from error
    if not stat.S_ISREG(status.st_mode):
        raise LoadError("This is not a regular file.", "Give a file or a folder.")
    return status.st_size


def _refuse_second(source: SourceFile, sources: dict[str, SourceFile]) -> None:
    first = sources.get(source.name)
    if first is not None:
        raise LoadError(
            f"'{printable(str(first.path))}' has the same document name '{source.name}'.",
            "Rename one, or ingest the folder above both.",
        )
