"""Compound files: what Office wrote before 2007, Outlook's messages, and encrypted documents of today."""

from pathlib import Path

import olefile

from kb_server.core.errors import LoadError
from loaders.formats import Kind
from loaders.office.locked import Locked

_STREAMS = {
    "__properties_version1.0": Kind.OUTLOOK,
    "WordDocument": Kind.DOC,
    "PowerPoint Document": Kind.PPT,
    "Workbook": Kind.XLS,
    "Book": Kind.XLS,
}
_DAMAGED = (OSError, IndexError, ValueError)  # OleFileError is an OSError


def ole_kind(path: Path, name: str) -> Kind:
    """Return the kind of a compound file; raises LoadError for an encrypted, damaged or unknown one."""
    try:
        with olefile.OleFileIO(path) as compound:
            if compound.exists("EncryptedPackage"):
                raise Locked(name)
            kinds = [kind for stream, kind in _STREAMS.items() if compound.exists(stream)]
    except _DAMAGED as error:
        raise damaged(name) from error
    if not kinds:
        raise LoadError(f"'{name}' is in an Office format that is not supported.", "Save it as .docx, .xlsx or PDF.")
    return kinds[0]


def streams(path: Path, name: str, *wanted: str) -> list[bytes]:
    """Return the content of the named streams, empty for one that is not there; raises LoadError."""
    try:
        with olefile.OleFileIO(path) as compound:
            return [compound.openstream(each).read() if compound.exists(each) else b"" for each in wanted]
    except _DAMAGED as error:
        raise damaged(name) from error


def damaged(name: str) -> LoadError:
    """Make the error for a file that breaks off or contradicts itself."""
    return LoadError(f"'{name}' is a damaged Office document.", "Open it in Office and save it again.")
