"""Word documents."""

import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import docx
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.table import Table, _Row
from docx.text.paragraph import Paragraph
from docx.types import ProvidesStoryPart
from lxml.etree import LxmlError  # type: ignore[import-untyped]  # lxml ships no types

from kb_server.domain import Document
from kb_server.errors import LoadError
from loaders.builder import DocumentBuilder

_MOST_UNPACKED = 1 << 30
_BROKEN = (
    OpcError,
    LxmlError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,  # what zipfile raises for an encrypted member
    AttributeError,  # what python-docx runs into where a part it expects is missing
    LookupError,
    ValueError,
    OSError,
)
_W_T, _W_TAB, _W_P, _W_TBL, _W_TC = (qn(f"w:{tag}") for tag in ("t", "tab", "p", "tbl", "tc"))
_BREAKS = (qn("w:br"), qn("w:cr"))
_M_T = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TEXT_BOX = qn("w:txbxContent")
_SILENT = frozenset([_TEXT_BOX, _FALLBACK, qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr")])
_CONTAINERS = frozenset(map(qn, ["w:sdt", "w:sdtContent", "w:ins", "w:customXml", "w:smartTag", "w:moveTo"]))

Element = Any  # an lxml element; lxml ships no types


class DocxLoader:
    """Reads headings, paragraphs, lists, tables and text boxes in the order of the document.

    Inserted text under tracked changes counts, deleted text does not. Headers, footers and comments are left out.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        try:
            _check_size(path, name)
            builder = DocumentBuilder(name)
            document = docx.Document(str(path))
            _Walk(builder, document).run(document.element.body)
        except _BROKEN as error:
            raise LoadError(f"'{name}' is a damaged Word document.", "Open it in Word and save it again.") from error
        return builder.build()


def _check_size(path: Path, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > _MOST_UNPACKED:
        raise LoadError(f"'{name}' would unpack to {unpacked / 1024**3:.1f} GB.", "Split it.")


class _Walk:
    """Goes through the body; neighbouring list items are gathered into one list."""

    def __init__(self, builder: DocumentBuilder, document: ProvidesStoryPart) -> None:
        self._builder = builder
        self._document = document
        self._items: list[str] = []

    def run(self, body: Element) -> None:
        self._blocks(body)
        self._flush()

    def _blocks(self, parent: Element) -> None:
        for child in parent.iterchildren():
            if child.tag == _W_P:
                self._paragraph(Paragraph(child, self._document))
                for box in _text_boxes(child):
                    self._blocks(box)
            elif child.tag == _W_TBL:
                self._flush()
                self._builder.table(_rows(Table(child, self._document)), headers=_declared_headers(child))
            elif child.tag in _CONTAINERS:
                self._blocks(child)

    def _paragraph(self, paragraph: Paragraph) -> None:
        text = _text(paragraph._p)
        if not text.strip():
            return
        level = _heading_level(paragraph)
        depth = _list_depth(paragraph)
        if level is None and depth is not None:
            self._items.append("  " * depth + text.strip())
            return
        self._flush()
        if level is None:
            self._builder.lines(text)
        else:
            self._builder.heading(level, text)

    def _flush(self) -> None:
        self._builder.items(self._items)
        self._items = []


def _text(paragraph: Element) -> str:
    return "".join(_pieces(paragraph))


def _pieces(parent: Element) -> Iterator[str]:
    for child in parent.iterchildren():
        if child.tag in (_W_T, _M_T):
            yield child.text or ""
        elif child.tag == _W_TAB:
            yield "\t"
        elif child.tag in _BREAKS:
            yield "\n"
        elif child.tag == qn("w:noBreakHyphen"):
            yield "-"
        elif child.tag not in _SILENT:
            yield from _pieces(child)


def _text_boxes(paragraph: Element) -> Iterator[Element]:
    """Yield the outermost text boxes once each; older Word versions get a copy, which is the fallback."""
    for box in paragraph.iter(_TEXT_BOX):
        outer = list(box.iterancestors(_TEXT_BOX, _FALLBACK, _W_P))
        inside = outer[: outer.index(paragraph)]
        if not any(ancestor.tag in (_TEXT_BOX, _FALLBACK) for ancestor in inside):
            yield box


def _heading_level(paragraph: Paragraph) -> int | None:
    """Return 0 for a title, 1.. for headings by style or outline level, None for other text."""
    style: Any = paragraph.style
    own = paragraph._p.pPr
    outlines = [] if own is None else [own]
    while style is not None:
        style_name = (style.name or "").lower()
        if style_name == "title":
            return 0
        if style_name.startswith("heading ") and style_name[8:].isdecimal():
            return int(style_name[8:])
        outlines += [] if style.element.pPr is None else [style.element.pPr]
        style = style.base_style
    return next((level for properties in outlines if (level := _outline(properties)) is not None), None)


def _outline(properties: Element) -> int | None:
    """Return the outline level from 1; Word's 9 is body text."""
    element = properties.find(qn("w:outlineLvl"))
    value = "9" if element is None else element.get(qn("w:val"), "9")
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else None


def _list_depth(paragraph: Paragraph) -> int | None:
    properties: Element = paragraph._p.pPr
    numbering = None if properties is None else properties.numPr
    if numbering is not None:
        return int(numbering.ilvl.val) if numbering.ilvl is not None else 0
    style_name = (paragraph.style.name or "") if paragraph.style is not None else ""
    is_list = style_name.startswith("List") and not style_name.startswith("List Continue")
    return 0 if is_list else None


def _rows(table: Table) -> list[list[str]]:
    """Return the cells; one that spans columns stands once, one that spans rows is repeated in each."""
    try:
        return [[""] * row.grid_cols_before + _cells(row) for row in table.rows]
    except ValueError:  # a cell said to hang down from one that is not there
        cells = ([_cell_text(cell) for cell in row.iterchildren(_W_TC)] for row in table._tbl.tr_lst)
        return list(cells)


def _cells(row: _Row) -> list[str]:
    elements = [cell._tc for cell in row.cells]
    repeated = [False, *(element is before for before, element in pairwise(elements))]
    return ["" if again else _cell_text(element) for element, again in zip(elements, repeated, strict=False)]


def _cell_text(cell: Element) -> str:
    """Return all paragraphs of a cell, also those of tables within it."""
    return " ".join(filter(None, (_text(paragraph).strip() for paragraph in cell.iter(_W_P))))


def _declared_headers(table: Element) -> int | None:
    """Count the rows marked to be repeated on each page, which are headings."""
    marked = [row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None for row in table.iterchildren(qn("w:tr"))]
    count = next((index for index, is_heading in enumerate(marked) if not is_heading), 0)
    return count or None
