"""What kind of file this is: its content decides, then its name."""

import re
from pathlib import Path, PurePosixPath

from kb_server.core.errors import LoadError
from loaders.decode.decoder import Undecodable, decode
from loaders.formats import FORMATS, KIND_BY_SUFFIX, Kind
from loaders.legacy_office.ole import ole_kind
from loaders.source import read_bytes
from loaders.unpack.archive import BROKEN, open_archive

_HINT = "Supported are PDF, Office, web, mail, text and picture files, and zip archives of them."
_HEAD = 8192
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = {
    b"{\\rtf": Kind.RTF,
    b"\x89PNG": Kind.PICTURE,
    b"\xff\xd8\xff": Kind.PICTURE,
    b"BM": Kind.PICTURE,
    b"II*\x00": Kind.PICTURE,
    b"MM\x00*": Kind.PICTURE,
}
_OTHER_MAGIC = {
    b"GIF8": "a GIF picture",
    b"RIFF": "a sound or film",
    b"ID3": "a sound",
    b"\xff\xfb": "a sound",
    b"OggS": "a sound",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"SQLite format 3": "a SQLite database",
}
_TEXT_LIKE_MAGIC = (b"BM", b"MZ", b"ID3", b"RIFF")  # ordinary words may begin so
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."
_OPEN_KINDS = {b"text": Kind.ODT, b"spreadsheet": Kind.ODS, b"presentation": Kind.ODP}
_HTML = re.compile(r"(?is)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b")
_XML = re.compile(r"\s*<\?xml\s")
_MAIL_START = re.compile(
    r"(?i)(return-path|received|delivered-to|mime-version|message-id|from|to|date|subject|x-[\w-]+):"
)
_MAIL_PROOF = re.compile(r"(?im)^(mime-version|message-id|received):[^\S\n]*\S")
_MHTML = re.compile(r"(?im)^content-type:\s*multipart/related|^snapshot-content-location:")
_NOTEBOOK = re.compile(r'(?s)\s*\{.*"(nbformat|cells)"\s*:')


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
    return ole_kind(path, name) if head.startswith(_OLE) else _by_magic(name, head)


def _by_magic(name: str, head: bytes) -> Kind | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.PICTURE
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        raise LoadError(f"'{name}' is a HEIC picture, which is not supported.", "Save it as JPEG.")
    for magic, thing in _OTHER_MAGIC.items():
        if _begins_with(magic, head):
            raise LoadError(f"'{name}' is {thing}, which is not supported.", _HINT)
    return next((kind for magic, kind in _MAGIC.items() if _begins_with(magic, head)), None)


def _begins_with(magic: bytes, head: bytes) -> bool:
    """Tell whether a file has this magic, and not a word that looks like it."""
    return head.startswith(magic) and (magic not in _TEXT_LIKE_MAGIC or b"\0" in head)


def _zip_kind(path: Path, name: str) -> Kind:
    with open_archive(path, name) as archive:
        members = archive.namelist()
        kind = _package_kind(members)
        if kind is not None:
            return kind
        _refuse_other_offices(name, members)
        try:
            declared = archive.read("mimetype")[:99] if "mimetype" in members else b""
        except BROKEN as error:
            raise LoadError(f"'{name}' is a damaged document.", "Save or download it again.") from error
    for word, kind in _OPEN_KINDS.items():
        if declared.startswith(_OPEN_DOCUMENT + word):
            return kind
    if declared.startswith(_OPEN_DOCUMENT):
        thing = declared.removeprefix(_OPEN_DOCUMENT).decode("ascii", "replace")
        raise LoadError(f"'{name}' is an OpenDocument {thing}, which is not supported.", "Save it as PDF.")
    return Kind.ZIP


def _package_kind(members: list[str]) -> Kind | None:
    by_member = {
        "word/": Kind.DOCX,
        "xl/workbook.xml": Kind.XLSX,
        "ppt/": Kind.PPTX,
        "META-INF/container.xml": Kind.EPUB,
    }
    for prefix, kind in by_member.items():
        if any(member.startswith(prefix) for member in members) and _is_package(members):
            return kind
    return None


def _refuse_other_offices(name: str, members: list[str]) -> None:
    if "xl/workbook.bin" in members:
        raise LoadError(f"'{name}' is a binary Excel workbook, which is not supported.", "Save it as .xlsx.")
    if "Index/Document.iwa" in members:
        message = f"'{name}' is a document of Apple's Pages, Numbers or Keynote, which is not supported."
        raise LoadError(message, "Export it as Word, Excel, PowerPoint or PDF.")


def _is_package(members: list[str]) -> bool:
    """Tell an Office document or e-book from an archive that has folders of the same names."""
    return "[Content_Types].xml" in members or "META-INF/container.xml" in members


def _text_kind(name: str, head: bytes, suffix: str) -> Kind:
    kind = KIND_BY_SUFFIX.get(suffix)
    seen = _seen_kind(head, kind)
    if seen is not None:
        return seen
    if kind is Kind.XLS:  # many programs call the CSV or TSV that they export so
        return Kind.CSV
    if kind is not None and FORMATS[kind].is_binary:
        message = f"'{name}' is named {suffix}, but its content is not {kind.upper()}."
        raise LoadError(message, "Save or download it again.")
    if kind is None and suffix:
        raise LoadError(f"'{name}' is of kind '{suffix}', which is not supported.", _HINT)
    return kind or Kind.TEXT


def _seen_kind(head: bytes, named: Kind | None) -> Kind | None:
    """Tell what text shows itself to be, where that is beyond doubt; Markdown and code may hold anything."""
    if named in (Kind.MARKDOWN, Kind.CODE, Kind.RST, Kind.ORG):
        return None
    try:
        text = decode(head, partial=True)
    except Undecodable:
        return None
    if _HTML.match(text):
        return Kind.HTML
    if _XML.match(text):
        return Kind.XML
    if named is Kind.JSON and _NOTEBOOK.match(text) and '"nbformat"' in text:
        return Kind.NOTEBOOK
    return _mail_kind(text, named)


def _mail_kind(text: str, named: Kind | None) -> Kind | None:
    headers = text.lstrip("\n\r ").replace("\r\n", "\n").partition("\n\n")[0]
    if named not in (Kind.MAIL, Kind.MHTML) and not (_MAIL_START.match(headers) and _MAIL_PROOF.search(headers)):
        return None
    if _MHTML.search(headers) and (named is Kind.MHTML or "snapshot-content-location" in headers.lower()):
        return Kind.MHTML
    return named if named is Kind.MHTML else Kind.MAIL
