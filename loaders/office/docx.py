"""Word documents."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.exceptions import PythonDocxError
from docx.opc.exceptions import OpcError
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.table import Table, _Row
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError  # type: ignore[import-untyped]  # lxml ships no types

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.office.docx_numbering import Numbering
from loaders.office.docx_paragraph import PARAGRAPH, Styles, paragraph_text, text_boxes
from loaders.pictures.picture import EmbeddedPictures
from loaders.unpack.archive import BROKEN, open_archive

Element = Any  # an lxml element; lxml ships no types

_WIDEST_SPAN = 1000


def table_rows(table: Table) -> list[list[str]]:
    """Return the cells; one that spans columns stands once, one that spans rows is repeated in each."""
    try:
        if _spans_sensibly(table):
            return [[""] * row.grid_cols_before + _cells(row) for row in table.rows]
    except ValueError:  # a cell said to hang down from one that is not there
        pass
    return [[_cell_text(cell) for cell in row.iterchildren(qn("w:tc"))] for row in table._tbl.tr_lst]


def _spans_sensibly(table: Table) -> bool:
    """Tell whether no cell claims thousands of columns, for which there would not be the memory."""
    marks = table._tbl.iter(qn("w:gridSpan"), qn("w:gridBefore"), qn("w:gridAfter"))
    return all(int(mark.get(qn("w:val"), "1")) <= _WIDEST_SPAN for mark in marks)


def _cells(row: _Row) -> list[str]:
    elements = [cell._tc for cell in row.cells]
    repeated = [False, *(element is before for before, element in pairwise(elements))]
    return ["" if again else _cell_text(element) for element, again in zip(elements, repeated, strict=False)]


def _cell_text(cell: Element) -> str:
    """Return all paragraphs of a cell, also those of tables within it."""
    return " ".join(filter(None, (paragraph_text(paragraph).strip() for paragraph in cell.iter(PARAGRAPH))))


def declared_headers(table: Element) -> int | None:
    """Count the rows marked to be repeated on each page, or else the first if it alone is in bold; None if neither."""
    rows = list(table.iterchildren(qn("w:tr")))
    count = next((index for index, row in enumerate(rows) if not _is_marked(row)), 0)
    if not count and len(rows) > 1 and _is_bold(rows[0]) and not _is_bold(rows[1]):
        return 1
    return count or None


def _is_marked(row: Element) -> bool:
    return row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None


def _is_bold(row: Element) -> bool:
    runs = [run for run in row.iter(qn("w:r")) if run.find(qn("w:t")) is not None]
    marks = [run.find(f"{qn('w:rPr')}/{qn('w:b')}") for run in runs]
    return bool(marks) and all(mark is not None and mark.get(qn("w:val"), "1") not in ("0", "false") for mark in marks)


_ID, _AUTHOR = qn("w:id"), qn("w:author")

_KINDS = {"footnote": "/footnotes", "endnote": "/endnotes", "comment": "/comments"}

_FIELD = (qn("w:fldSimple"), qn("w:instrText"))


class Notes:
    """The notes of a document by where they are referred to."""

    def __init__(self, document: WordDocument) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        for relation in document.part.rels.values():
            for kind, suffix in _KINDS.items():
                if relation.reltype.endswith(suffix) and not relation.is_external:
                    self._read(kind, parse_xml(relation.target_part.blob))

    def of(self, paragraph: Element) -> Iterator[str]:
        """Yield the notes that a paragraph refers to, in order; a comment begins with its author."""
        for kind in _KINDS if self._texts else ():
            for reference in paragraph.iter(qn(f"w:{kind}Reference")):
                if text := self._texts.get((kind, reference.get(_ID, ""))):
                    yield text

    def _read(self, kind: str, root: Element) -> None:
        for note in root.iterfind(qn(f"w:{kind}")):
            text = "\n".join(filter(None, (paragraph_text(each).strip() for each in note.iter(PARAGRAPH))))
            author = note.get(_AUTHOR, "")
            self._texts[kind, note.get(_ID, "")] = f"{author}: {text}" if text and author else text


def page_edges(document: WordDocument) -> tuple[list[str], list[str]]:
    """Return the texts of headers and of footers, each once; those that only count pages are left out."""
    headers: dict[str, None] = {}
    footers: dict[str, None] = {}
    for section in document.sections:
        for header in (section.first_page_header, section.header, section.even_page_header):
            headers |= dict.fromkeys(_edge_texts(header))
        for footer in (section.first_page_footer, section.footer, section.even_page_footer):
            footers |= dict.fromkeys(_edge_texts(footer))
    return list(headers), list(footers)


def _edge_texts(edge: Any) -> Iterator[str]:  # noqa: ANN401  (headers and footers share a private class)
    if edge.is_linked_to_previous:
        return
    for paragraph in edge._element.iter(PARAGRAPH):
        text = paragraph_text(paragraph).strip()
        if text and not any(True for _ in paragraph.iter(*_FIELD)):
            yield text


_BROKEN = (*BROKEN, OpcError, PythonDocxError, LxmlError, AttributeError, LookupError, TypeError, OSError)

# the last four are what python-docx runs into where a part it expects is missing
_TABLE = qn("w:tbl")

_CONTAINERS = frozenset(map(qn, ["w:sdt", "w:sdtContent", "w:ins", "w:customXml", "w:smartTag", "w:moveTo"]))

_PICTURE = qn("a:blip")

_EMBEDDED = qn("r:embed")


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
        if level is not None:
            self._flush()
            self._builder.heading(level, labelled)
        elif place is not None or self._styles.is_list(paragraph):
            self._items.append("  " * (place.level if place else 0) + labelled)
        else:
            self._flush()
            self._builder.lines(text)

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
