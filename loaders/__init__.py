"""File -> Document (blocks with page and heading path), and Document -> slices."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError, MissingExtra
from kb_server.core.ports import Loader
from loaders.formats import FORMATS, SUFFIXES, Kind
from loaders.kind import detect
from loaders.office.locked import Locked, unlocked
from loaders.source import check_readable
from loaders.unpack.members import Member, unpack

__all__ = ["SUFFIXES", "Member", "load", "unpack"]


def load(path: Path, name: str, *, pictures: bool = True, passwords: Sequence[str] = ()) -> Document:
    """Read a file of any supported kind; raises LoadError, or MissingExtra where a package is not installed.

    `name` becomes the document's name; its suffix counts, for the file itself may be stored under another name.
    `pictures` says whether pictures between text are read by OCR, which takes a second or more for each; `passwords`
    are tried on PDF and Office files that need one.
    """
    check_readable(path, name)
    options = {"pictures": pictures, "passwords": passwords}
    try:
        document = _read(path, name, options)
    except Locked:
        with unlocked(path, name, passwords) as plain:
            document = _read(plain, name, options)
    if not document.text:
        raise LoadError(f"'{name}' holds no text.")
    return document


def _read(path: Path, name: str, options: dict[str, Any]) -> Document:
    kind = detect(path, name)
    if kind is Kind.ZIP:
        raise LoadError(f"'{name}' is an archive; what it holds are documents of their own.", "Unpack it first.")
    return _loader(kind, options).load(path, name)


def _loader(kind: Kind, options: dict[str, Any]) -> Loader:
    """Make the loader; the parsers are heavy, and some are extras, so each is imported when it is needed."""
    form = FORMATS[kind]
    module, _, attribute = form.loader.partition(":")
    try:
        made: Loader = getattr(import_module(module), attribute)(**(options if kind is Kind.PDF else {}))
    except ModuleNotFoundError as error:
        if not form.extra:
            raise
        message = f"Reading {form.title} needs the package {form.package}."
        raise MissingExtra(message, f"pip install 'kb-server[{form.extra}]'") from error
    return made
