"""Kinds that pandoc turns into HTML: reStructuredText, Org, OpenDocument text, RTF."""

import subprocess
from pathlib import Path

import pypandoc

from kb_server.domain import Document
from kb_server.errors import LoadError
from loaders.archive import BROKEN, open_archive
from loaders.builder import DocumentBuilder
from loaders.html import add_html
from loaders.source import read_bytes
from loaders.text import read_text

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
