"""Kinds that pandoc turns into HTML: reStructuredText, Org, OpenDocument text, RTF."""

import re
import subprocess
from pathlib import Path

import pypandoc

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.plain.text import read_text
from loaders.source import read_bytes
from loaders.unpack.archive import BROKEN, open_archive
from loaders.web.html import add_html

_SECONDS = 60

_MANIFEST = "META-INF/manifest.xml"

_LIMITS = ("+RTS", "-M1g", "-RTS")  # of memory, kept by pandoc's own run-time system

_TO_HTML = ("--sandbox", "--quiet", "--wrap=none", "--to=html")

_OUT_OF_MEMORY = 251


class OdtLoader:
    """Reads OpenDocument text: headings, lists, tables, footnotes."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        if _is_locked(path, name):
            raise LoadError(f"'{name}' is an OpenDocument text protected by a password.", "Save it without one.")
        return pandoc_document(read_bytes(path, name), "odt", name)


class RstLoader:
    """Reads reStructuredText; files that it includes are not read."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        return pandoc_document(read_text(path, name).encode(), "rst", name)


class OrgLoader:
    """Reads Org; files that it includes are not read."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        return pandoc_document(read_text(path, name).encode(), "org", name)


def _is_locked(path: Path, name: str) -> bool:
    with open_archive(path, name) as archive:
        try:
            return b"encryption-data" in archive.read(_MANIFEST)
        except BROKEN:  # no manifest: pandoc does without
            return False


def pandoc_document(data: bytes, kind: str, name: str) -> Document:
    """Convert in a process of its own that can open no file and no connection (`--sandbox`); raises LoadError."""
    command = [pypandoc.get_pandoc_path(), *_LIMITS, f"--from={kind}", *_TO_HTML]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"'{name}' took longer than {_SECONDS} seconds to read.", "Save it as PDF.") from error
    if done.returncode == _OUT_OF_MEMORY:
        raise LoadError(f"'{name}' needs too much memory to read.", "Split it, or save it as PDF.")
    if done.returncode:
        raise LoadError(f"'{name}' is a damaged {kind.upper()} file.", "Open it and save it again.")
    builder = DocumentBuilder(name)
    add_html(builder, done.stdout.decode("utf-8", "replace"))
    return builder.build()


_CODE_PAGE = re.compile(rb"\\ansicpg(\d+)")

_ESCAPED = re.compile(rb"(\\u-?\d+ ?)(?:\\'[0-9a-fA-F]{2})+|((?:\\'[0-9a-fA-F]{2})+)")

_CODECS = {b"932": "cp932", b"936": "gb18030", b"949": "cp949", b"950": "big5hkscs"} | {
    str(page).encode(): f"cp{page}" for page in (874, 1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)
}


class RtfLoader:
    """Reads RTF: headings, lists, tables. Text in the code page of a country is made Unicode first."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        return pandoc_document(as_unicode(read_bytes(path, name)), "rtf", name)


def as_unicode(data: bytes) -> bytes:
    r"""Write `\'xx` of a declared code page as `\uN`, for pandoc knows the Western one only.

    A run that follows a `\uN` is what programs without Unicode show in its place, and stays.
    """
    declared = _CODE_PAGE.search(data[:4096])
    codec = _CODECS.get(declared[1]) if declared else None
    if codec is None:
        return data

    def replaced(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return found[0]
        raw = bytes.fromhex(found[2].decode().replace("\\'", ""))
        text = raw.decode(codec, "replace")
        units = text.encode("utf-16-le", "replace")
        codes = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
        return b"{\\uc0" + b"".join(b"\\u%d " % code for code in codes) + b"}"

    return _ESCAPED.sub(replaced, data)
