"""E-books (EPUB)."""

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.data.xml import parse_xml
from loaders.decode.decoder import Undecodable, decode
from loaders.unpack.archive import BROKEN, open_archive
from loaders.web.html import add_html

_HTML_TYPES = ("application/xhtml+xml", "text/html")


class EpubLoader:
    """Reads the chapters in the order of the book; a chapter is a page."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        number = 0
        with open_archive(path, name) as book:
            try:
                for number, chapter in enumerate(_chapters(book, name), start=1):
                    add_html(builder, chapter, number, titled=False)
            except BROKEN as error:
                raise LoadError(f"'{name}' is a damaged or copy-protected e-book.", "Download it again.") from error
        return builder.build(number)


def _chapters(book: zipfile.ZipFile, name: str) -> Iterator[str]:
    container = parse_xml(book.read("META-INF/container.xml"), name)
    root_file = next((each.get("full-path", "") for each in _all(container, "rootfile")), "")
    package = parse_xml(book.read(root_file), name)
    items = {each.get("id"): each for each in _all(package, "item")}
    known = set(book.namelist())
    for reference in _all(package, "itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _HTML_TYPES or "nav" in item.get("properties", "").split():
            continue
        file = posixpath.normpath(posixpath.join(posixpath.dirname(root_file), unquote(item.get("href", ""))))
        if file in known:
            yield _text(book.read(file))


def _all(root: Element, tag: str) -> Iterator[Element]:
    return root.iterfind(f".//{{*}}{tag}")


def _text(data: bytes) -> str:
    try:
        return decode(data, "utf-8")
    except Undecodable:  # an encrypted chapter
        raise zipfile.BadZipFile from None
