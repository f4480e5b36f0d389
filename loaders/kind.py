"""What kind of file this is: its content decides, then its name."""

import io
import re
import zipfile
from enum import StrEnum
from pathlib import Path, PurePosixPath

from kb_server.errors import LoadError
from loaders.encoding import Undecodable, decode
from loaders.source import read_bytes


class Kind(StrEnum):
    """A kind of file that can be loaded."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    DOCX = "docx"
    PDF = "pdf"
    CSV = "csv"


_KIND_BY_SUFFIX = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".text": Kind.TEXT,
    ".log": Kind.TEXT,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".docx": Kind.DOCX,
    ".pdf": Kind.PDF,
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
}
SUFFIXES = frozenset(_KIND_BY_SUFFIX)
"""What a folder is searched for."""

_HINT = f"Supported are {', '.join(sorted(SUFFIXES))}."
_HEAD = 8192
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHER_MAGIC = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"RIFF": "a sound, picture or film",
    b"ID3": "a sound",
    b"OggS": "a sound",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"SQLite format 3": "a SQLite database",
}
_TEXT_LIKE_MAGIC = (b"BM", b"MZ", b"ID3", b"RIFF")  # ordinary words may begin so
_ZIP_CONTENT = {
    "xl/": "an Excel workbook",
    "ppt/": "a PowerPoint presentation",
    "META-INF/container.xml": "an e-book",
    "content.xml": "an OpenDocument file",
}
_HTML = re.compile(r"(?is)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b")


def detect(path: Path, name: str) -> Kind:
    """Return the file's kind; raises LoadError for one that is not supported, saying which it is."""
    head = read_bytes(path, name, _HEAD)
    if not head.strip(b" \t\r\n\0") and path.stat().st_size <= _HEAD:
        raise LoadError(f"'{name}' is empty.")
    suffix = PurePosixPath(name).suffix.lower() or path.suffix.lower()
    return _binary_kind(path, name, head, suffix) or _text_kind(name, head, suffix)


def _binary_kind(path: Path, name: str, head: bytes, suffix: str) -> Kind | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if start.startswith(b"%PDF-") or (suffix == ".pdf" and b"%PDF-" in head[:1024]):
        return Kind.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path, name)
    if head.startswith(_OLE):
        raise _old_office(path, name)
    for magic, thing in _OTHER_MAGIC.items():
        if head.startswith(magic) and not (magic in _TEXT_LIKE_MAGIC and b"\0" not in head):
            raise LoadError(f"'{name}' is {thing}, which is not supported.", _HINT)
    return None


def _zip_kind(path: Path, name: str) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path, name))) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise LoadError(f"'{name}' is a damaged Office document or archive.", "Save or download it again.") from error
    if "word/document.xml" in members:
        return Kind.DOCX
    for prefix, thing in _ZIP_CONTENT.items():
        if any(member.startswith(prefix) for member in members):
            raise LoadError(f"'{name}' is {thing}, which is not supported.", _HINT)
    raise LoadError(f"'{name}' is an archive, which is not supported.", f"Unpack it first. {_HINT}")


def _old_office(path: Path, name: str) -> LoadError:
    if _ENCRYPTED in read_bytes(path, name):
        return LoadError(f"'{name}' is an Office document protected by a password.", "Save it without one.")
    return LoadError(f"'{name}' is in an Office format from before 2007.", "Save it as .docx or PDF.")


def _text_kind(name: str, head: bytes, suffix: str) -> Kind:
    kind = _KIND_BY_SUFFIX.get(suffix)
    if kind in (Kind.PDF, Kind.DOCX):
        message = f"'{name}' is named {suffix}, but its content is not {kind.upper()}."
        raise LoadError(message, "Save or download it again.")
    if kind is not Kind.MARKDOWN and _looks_like_html(head):
        return Kind.HTML
    if kind is None and suffix:
        raise LoadError(f"'{name}' is of kind '{suffix}', which is not supported.", _HINT)
    return kind or Kind.TEXT


def _looks_like_html(head: bytes) -> bool:
    try:
        return _HTML.match(decode(head, partial=True)) is not None
    except Undecodable:
        return False
