"""Excel workbooks."""

import warnings
import zipfile
from pathlib import Path

import openpyxl
from openpyxl.cell.cell import Cell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from kb_server.domain import Document
from kb_server.errors import LoadError
from loaders.archive import BROKEN, open_archive
from loaders.builder import DocumentBuilder
from loaders.cell_text import cell_text
from loaders.sheet import Sheet, add_sheet

_MOST_XML = 300 << 20
_BROKEN = (*BROKEN, InvalidFileException, SyntaxError, TypeError, AttributeError, LookupError, OSError)
# ParseError is a SyntaxError; the rest is what openpyxl runs into where a part it expects is missing


class XlsxLoader:
    """Reads the values that were last calculated, sheet by sheet; a sheet is a page. Hidden sheets count."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        _check_size(path, name)
        builder = DocumentBuilder(name)
        try:
            with path.open("rb") as file, warnings.catch_warnings():  # of a path, openpyxl would refuse the name
                warnings.simplefilter("ignore")  # of features that say nothing about the values
                book = openpyxl.load_workbook(file, data_only=True, keep_links=False)
        except _BROKEN as error:
            raise LoadError(f"'{name}' is a damaged workbook.", "Open it in Excel and save it again.") from error
        for number, sheet in enumerate(book.worksheets, start=1):
            add_sheet(builder, _sheet(sheet), number)
        return builder.build(len(book.worksheets))


def _check_size(path: Path, name: str) -> None:
    with open_archive(path, name) as archive:
        size = sum(member.file_size for member in archive.infolist() if _is_data(member))
    if size > _MOST_XML:
        raise LoadError(f"'{name}' has {size >> 20} MB of cells, which is too much.", "Split it, or save it as CSV.")


def _is_data(member: zipfile.ZipInfo) -> bool:
    return member.filename.endswith(".xml")


def _sheet(sheet: Worksheet) -> Sheet:
    """Take the cells that exist; to walk over all rows and columns up to the last would make those between."""
    existing: list[Cell] = list(sheet._cells.values())
    cells = {(cell.row, cell.column): cell_text(cell.value, cell.number_format) for cell in existing}
    merged = [(area.min_row, area.min_col, area.max_row, area.max_col) for area in sheet.merged_cells.ranges]
    notes = [f"{cell.coordinate}: {cell.comment.text}" for cell in existing if getattr(cell, "comment", None)]
    bold = frozenset((cell.row, cell.column) for cell in existing if cell.font is not None and cell.font.b)
    return Sheet(sheet.title, {place: text for place, text in cells.items() if text}, merged, bold, notes)
