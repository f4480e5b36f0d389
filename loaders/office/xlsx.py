"""Excel workbooks."""

import re
import warnings
import zipfile
from pathlib import Path

import openpyxl
from openpyxl.cell.cell import Cell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.office.sheet import Place, Sheet, add_sheet, cell_text
from loaders.unpack.archive import BROKEN, open_archive

_MOST_XML = 300 << 20
_UNCALCULATED = re.compile(rb'<c\b(?![^>]*\bt="str")[^>]*>\s*<f\b(?:[^>]*/>|[^<]*</f>)\s*(?:<v\s*/>|<v></v>|</c>)')
# A formula without value; of type "str" its result is an empty text.
_BROKEN = (*BROKEN, InvalidFileException, SyntaxError, TypeError, AttributeError, LookupError, OSError)
# ParseError is a SyntaxError; the rest is what openpyxl runs into where a part it expects is missing


class XlsxLoader:
    """Reads the values that were last calculated, sheet by sheet; a sheet is a page. Hidden sheets count.

    Where a program wrote a formula that nothing has calculated yet, the formula itself is all there is to read.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        _check_size(path, name)
        builder = DocumentBuilder(name)
        try:
            book = _book(path, data_only=True)
            formulas = _book(path, data_only=False) if _has_uncalculated(path, name) else None
        except _BROKEN as error:
            raise LoadError(f"'{name}' is a damaged workbook.", "Open it in Excel and save it again.") from error
        for number, sheet in enumerate(book.worksheets, start=1):
            add_sheet(builder, _sheet(sheet, formulas and formulas[sheet.title]), number)
        return builder.build(len(book.worksheets))


def _book(path: Path, *, data_only: bool) -> Workbook:
    with path.open("rb") as file, warnings.catch_warnings():  # of a path, openpyxl would refuse the name
        warnings.simplefilter("ignore")  # of features that say nothing about the values
        return openpyxl.load_workbook(file, data_only=data_only, keep_links=False)


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


def _sheet(sheet: Worksheet, formulas: Worksheet | None) -> Sheet:
    """Take the cells that exist; to walk over all rows and columns up to the last would make those between."""
    existing: list[Cell] = list(sheet._cells.values())
    merged = [(area.min_row, area.min_col, area.max_row, area.max_col) for area in sheet.merged_cells.ranges]
    notes = [f"{cell.coordinate}: {cell.comment.text}" for cell in existing if getattr(cell, "comment", None)]
    bold = frozenset((cell.row, cell.column) for cell in existing if cell.font is not None and cell.font.b)
    return Sheet(sheet.title, _texts(existing, formulas), merged, bold, notes)


def _texts(existing: list[Cell], formulas: Worksheet | None) -> dict[Place, str]:
    """Return the texts of cells that have one; where no program has calculated a formula, the formula itself."""
    cells = {(cell.row, cell.column): cell_text(cell.value, cell.number_format) for cell in existing}
    if formulas is not None:
        cells |= {place: _formula(formulas._cells[place]) for place, text in cells.items() if not text}
    return {place: text for place, text in cells.items() if text}


def _formula(cell: Cell) -> str:
    return str(getattr(cell.value, "text", cell.value)) if cell.data_type == "f" else ""
