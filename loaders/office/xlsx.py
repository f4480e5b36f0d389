"""Excel workbooks."""

import io
import posixpath
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell.cell import Cell
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.isolate.progress import page_done
from loaders.office.drawing import add_chart, alternative_text, attribute, local, paragraphs, parse
from loaders.office.equation import lowered, raised
from loaders.office.number_format import EAST_ASIAN_DATES, cell_text, serial_text
from loaders.office.package import mended
from loaders.office.sheet import Place, Sheet, add_sheet
from loaders.pictures.picture import EmbeddedPictures
from loaders.unpack.archive import BROKEN, open_archive

_MOST_XML = 300 << 20
_UNCALCULATED = re.compile(rb'<c\b(?![^>]*\bt="str")[^>]*>\s*<f\b(?:[^>]*/>|[^<]*</f>)\s*(?:<v\s*/>|<v></v>|</c>)')
# A formula without value; of type "str" its result is an empty text.
_PICTURE_FORMULA = re.compile(r"=?(?:_xlfn\.)?DISPIMG\(")  # WPS's pictures in cells
_BESIDE_CELLS = re.compile(r"xl/(?:drawings|charts|media|pivot\w*|comments|embeddings|worksheets/_rels)")
_LATER_EPOCH = 1904
_DRAWING = re.compile(r"xl/drawings/(?!vml)[^/]*\.xml")
_BOOK = "xl/workbook.xml"
_PICTURES_IN_CELLS = "xl/cellimages.xml"
_UNREADABLE = (*BROKEN, SyntaxError, AttributeError, OSError)
_BROKEN = (*BROKEN, InvalidFileException, SyntaxError, TypeError, AttributeError, LookupError, OSError)
# ParseError is a SyntaxError; the rest is what openpyxl runs into where a part it expects is missing


Source = Path | io.BytesIO
Element = Any  # an lxml element


class XlsxLoader:
    """Reads the values that were last calculated, sheet by sheet; a sheet is a page. Hidden sheets count.

    Below its cells stand a sheet's text boxes, charts and pictures. Where a program wrote a formula that nothing has
    calculated yet, the formula itself is all there is to read.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        _check_size(path, name)
        builder = DocumentBuilder(name)
        try:
            copy, lacking = mended(path, name)
            book, formulas = _books(copy or path, builder, is_uncalculated=_has_uncalculated(path, name))
        except _BROKEN as error:
            raise LoadError(f"'{name}' is a damaged workbook.", "Open it in Excel and save it again.") from error
        if lacking:
            builder.missing("parts that the file refers to but does not hold", lacking)
        with open_archive(path, name) as archive:
            drawings = Drawings(archive, builder)
            for number, sheet in enumerate(book._sheets, start=1):
                cells = _sheet(sheet, formulas) if isinstance(sheet, Worksheet) else Sheet(sheet.title, {})
                add_sheet(builder, cells, number, has_more=drawings.has(sheet.title))
                drawings.add(sheet.title, number)
                page_done(number, len(book._sheets))
        return builder.build(len(book._sheets))


def _books(source: Source, builder: DocumentBuilder, *, is_uncalculated: bool) -> tuple[Workbook, Workbook | None]:
    """Open a workbook; where something around the cells defeats openpyxl, the cells alone."""
    try:
        return _book(source, data_only=True), _book(source, data_only=False) if is_uncalculated else None
    except _BROKEN:
        bare = _only_cells(source)
        books = _book(bare, data_only=True), _book(bare, data_only=False) if is_uncalculated else None
        builder.missing("comments, names and pivot tables of a workbook that is damaged in part")
        return books


def _book(source: Source, *, data_only: bool) -> Workbook:
    data = io.BytesIO(source.read_bytes()) if isinstance(source, Path) else source
    data.seek(0)
    with warnings.catch_warnings():  # of a path, openpyxl would refuse the name
        warnings.simplefilter("ignore")  # of features that say nothing about the values
        return openpyxl.load_workbook(data, data_only=data_only, keep_links=False, rich_text=True)


def _only_cells(source: Source) -> io.BytesIO:
    """Return a copy that holds nothing but sheets, their texts and their styles."""
    copy = io.BytesIO()
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(copy, "w") as made:
        for member in archive.infolist():
            if not _BESIDE_CELLS.match(member.filename):
                made.writestr(member.filename, archive.read(member))
    return copy


def _has_uncalculated(path: Path, name: str) -> bool:
    with open_archive(path, name) as archive:
        sheets = (each for each in archive.namelist() if each.startswith("xl/worksheets/"))
        return any(_UNCALCULATED.search(archive.read(sheet)) for sheet in sheets)


def _check_size(path: Path, name: str) -> None:
    with open_archive(path, name) as archive:
        size = sum(member.file_size for member in archive.infolist() if _is_data(member))
    if size > _MOST_XML:
        raise LoadError(f"'{name}' has {size >> 20} MB of cells, which is too much.", "Split it, or save it as CSV.")


def _is_data(member: zipfile.ZipInfo) -> bool:
    return member.filename.endswith(".xml")


def _sheet(sheet: Worksheet, formulas: Workbook | None) -> Sheet:
    """Take the cells that exist; to walk over all rows and columns up to the last would make those between."""
    existing: list[Cell] = list(sheet._cells.values())
    merged = [(area.min_row, area.min_col, area.max_row, area.max_col) for area in sheet.merged_cells.ranges]
    notes = [f"{cell.coordinate}: {cell.comment.text}" for cell in existing if getattr(cell, "comment", None)]
    bold = frozenset((cell.row, cell.column) for cell in existing if cell.font is not None and cell.font.b)
    return Sheet(sheet.title, _texts(existing, formulas and formulas[sheet.title]), merged, bold, notes)


def _texts(existing: list[Cell], formulas: Worksheet | None) -> dict[Place, str]:
    """Return the texts of cells that have one; where no program has calculated a formula, the formula itself."""
    cells = {(cell.row, cell.column): _text(cell) for cell in existing}
    if formulas is not None:
        cells |= {place: _formula(formulas._cells[place]) for place, text in cells.items() if not text}
    return {place: text for place, text in cells.items() if text and not _PICTURE_FORMULA.match(text)}


def _text(cell: Cell) -> str:
    value = cell.value
    if isinstance(value, CellRichText):
        return "".join(map(_run, value)).strip()
    form = cell.number_format
    if form == "General" and isinstance(value, int | float) and cell._style.numFmtId in EAST_ASIAN_DATES:
        code = EAST_ASIAN_DATES[cell._style.numFmtId]
        return serial_text(value, code, from_1904=cell.parent.parent.epoch.year == _LATER_EPOCH)
    return cell_text(value, form)


def _run(run: str | TextBlock) -> str:
    """Return a part of a cell's text, so that what is raised or lowered is told from what stands on the line."""
    if isinstance(run, str):
        return run
    moved = {"superscript": raised, "subscript": lowered}.get(run.font.vertAlign or "")
    return moved(run.text) if moved else str(run.text)


def _formula(cell: Cell) -> str:
    return str(getattr(cell.value, "text", cell.value)) if cell.data_type == "f" else ""


class Drawings:
    """What lies over the cells: text boxes, charts, pictures, by names of sheets; what cannot be read is noted."""

    def __init__(self, archive: zipfile.ZipFile, builder: DocumentBuilder) -> None:
        self._archive = archive
        self._builder = builder
        self._pictures = EmbeddedPictures(builder)
        self._members = set(archive.namelist())
        self._sheets = self._sheet_parts()

    def has(self, title: str) -> bool:
        """Tell whether a sheet has any."""
        return bool(self._drawings(title))

    def add(self, title: str, page: int) -> None:
        """Add the drawings of a sheet; pictures in cells, which belong to no sheet, come with the first."""
        for part in self._drawings(title):
            self._part(part, page)
        if page == 1 and _PICTURES_IN_CELLS in self._members:
            self._part(_PICTURES_IN_CELLS, page)

    def _part(self, part: str, page: int) -> None:
        try:
            root, targets = self._root(part), self._targets(part)
        except _UNREADABLE:
            self._builder.missing("drawing that is damaged")
            return
        for shape in _shapes(root):
            try:
                self._shape(shape, targets, page)
            except _UNREADABLE:
                self._builder.missing("drawing that is damaged")

    def _shape(self, shape: Element, targets: dict[str, str], page: int) -> None:
        name = local(shape)
        if name == "sp":
            for body in shape.iterchildren("{*}txBody"):
                self._builder.lines("\n".join(text for _, text in paragraphs(body)), page)
        elif name == "pic":
            self._picture(shape, targets, page)
        for chart in shape.iter("{*}chart") if name == "graphicFrame" else ():
            if target := targets.get(attribute(chart, "id")):
                add_chart(self._builder, self._root(target), page)

    def _picture(self, shape: Element, targets: dict[str, str], page: int) -> None:
        self._builder.picture(alternative_text(shape), page)
        for blip in shape.iter("{*}blip"):
            target = targets.get(attribute(blip, "embed"))
            if target in self._members:
                self._pictures.add(self._archive.read(target), page)
            elif target or attribute(blip, "link"):
                self._builder.missing("picture that the file does not hold")

    def _drawings(self, title: str) -> list[str]:
        try:
            targets = self._targets(self._sheets[title]) if title in self._sheets else {}
        except _UNREADABLE:
            return []
        return [part for part in targets.values() if _DRAWING.match(part) and part in self._members]

    def _sheet_parts(self) -> dict[str, str]:
        try:
            targets = self._targets(_BOOK)
            sheets = self._root(_BOOK).iter("{*}sheet")
            return {sheet.get("name", ""): targets.get(attribute(sheet, "id"), "") for sheet in sheets}
        except _UNREADABLE:
            return {}

    def _root(self, part: str) -> Element:
        return parse(self._archive.read(part))

    def _targets(self, part: str) -> dict[str, str]:
        """Return the parts that a part refers to, by their number in it."""
        folder, file = posixpath.split(part)
        relations = f"{folder}/_rels/{file}.rels"
        if relations not in self._members:
            return {}
        return {
            relation.get("Id", ""): posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip(
                "/"
            )
            for relation in self._root(relations)
            if relation.get("TargetMode") != "External"
        }


def _shapes(root: Element) -> Iterator[Element]:
    """Yield shapes, pictures and frames; of two versions of one, that for new programs."""
    for child in root:
        name = local(child)
        if name in ("sp", "pic", "graphicFrame"):
            yield child
        elif name == "AlternateContent":
            yield from next((found for each in child if (found := list(_shapes(each)))), [])
        elif name:
            yield from _shapes(child)
