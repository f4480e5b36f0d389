"""Word documents."""

from pathlib import Path
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.exceptions import PythonDocxError
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError  # type: ignore[import-untyped]  # lxml ships no types

from kb_server.domain import Document
from kb_server.errors import LoadError
from loaders.archive import BROKEN, open_archive
from loaders.builder import DocumentBuilder
from loaders.docx_notes import Notes, page_edges
from loaders.docx_numbering import Numbering
from loaders.docx_style import Styles
from loaders.docx_table import declared_headers, table_rows
from loaders.docx_text import PARAGRAPH, paragraph_text, text_boxes
from loaders.embedded import EmbeddedPictures

_BROKEN = (*BROKEN, OpcError, PythonDocxError, LxmlError, AttributeError, LookupError, TypeError, OSError)
# the last four are what python-docx runs into where a part it expects is missing
_TABLE = qn("w:tbl")
_CONTAINERS = frozenset(map(qn, ["w:sdt", "w:sdtContent", "w:ins", "w:customXml", "w:smartTag", "w:moveTo"]))
_PICTURE = qn("a:blip")
_EMBEDDED = qn("r:embed")

Element = Any  # an lxml element; lxml ships no types


class DocxLoader:
    """Reads headings, paragraphs, lists with their numbers, tables, text boxes and pictures in the document's order.

    Footnotes, endnotes and comments follow the paragraph that refers to them; page headers stand once at the
    beginning, footers at the end. Inserted text under tracked changes counts, deleted text does not.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        try:
            with open_archive(path, name):  # bounds what may be unpacked
                document = docx.Document(str(path))
            headers, footers = page_edges(document)
            builder.lines("\n".join(headers))
            _Walk(builder, document).run(document.element.body)
            builder.leave(0)
            builder.lines("\n".join(footers))
        except _BROKEN as error:
            raise LoadError(f"'{name}' is a damaged Word document.", "Open it in Word and save it again.") from error
        return builder.build()


class _Walk:
    """Goes through the body; neighbouring list items are gathered into one list."""

    def __init__(self, builder: DocumentBuilder, document: WordDocument) -> None:
        self._builder = builder
        self._document = document
        self._styles = Styles()
        self._numbering = Numbering(document, self._styles)
        self._notes = Notes(document)
        self._pictures = EmbeddedPictures(builder)
        self._items: list[str] = []

    def run(self, body: Element) -> None:
        self._blocks(body)
        self._flush()

    def _blocks(self, parent: Element) -> None:
        for child in parent.iterchildren():
            if child.tag == PARAGRAPH:
                self._paragraph(Paragraph(child, self._document))
                self._beside(child)
            elif child.tag == _TABLE:
                self._flush()
                self._builder.table(table_rows(Table(child, self._document)), headers=declared_headers(child))
                for paragraph in child.iter(PARAGRAPH):
                    self._beside(paragraph)
            elif child.tag in _CONTAINERS:
                self._blocks(child)

    def _paragraph(self, paragraph: Paragraph) -> None:
        text = paragraph_text(paragraph._p).strip()
        if not text:
            return
        level = self._styles.heading_level(paragraph)
        place = self._numbering.place(paragraph)
        label = self._numbering.next_label(place) if place else ""
        labelled = f"{label} {text}" if label else text
        if level is None and (place is not None or self._styles.is_list(paragraph)):
            self._items.append("  " * (place.level if place else 0) + labelled)
            return
        self._flush()
        if level is None:
            self._builder.lines(text)
        else:
            self._builder.heading(level, labelled)

    def _beside(self, paragraph: Element) -> None:
        """Add what hangs on a paragraph: boxes, pictures, notes."""
        for box in text_boxes(paragraph):
            self._blocks(box)
        for note in self._notes.of(paragraph):
            self._flush()
            self._builder.lines(note)
        for picture in paragraph.iter(_PICTURE):
            part = self._document.part.related_parts.get(picture.get(_EMBEDDED, ""))
            if part is not None:
                self._flush()
                self._pictures.add(part.blob)

    def _flush(self) -> None:
        self._builder.items(self._items)
        self._items = []
