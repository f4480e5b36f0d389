"""Excel workbooks from before 2007."""

import io
import struct
from pathlib import Path

import xlrd
from xlrd.biffh import XLRDError, error_text_from_code
from xlrd.book import Book
from xlrd.compdoc import CompDocError
from xlrd.sheet import Cell
from xlrd.sheet import Sheet as OldSheet

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.isolate.progress import page_done
from loaders.legacy_office.ole import damaged
from loaders.office.locked import Locked
from loaders.office.number_format import EAST_ASIAN_DATES, cell_text, serial_text
from loaders.office.sheet import Sheet, add_sheet

_BROKEN = (
    XLRDError,
    CompDocError,
    OverflowError,
    struct.error,
    AssertionError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
)
# xlrd checks little: a damaged file runs it into any of these


class XlsLoader:
    """Reads the values that were last calculated, sheet by sheet; a sheet is a page."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        try:
            with xlrd.open_workbook(str(path), logfile=io.StringIO(), formatting_info=True) as book:
                for number, sheet in enumerate(book.sheets(), start=1):
                    add_sheet(builder, _sheet(book, sheet), number)
                    page_done(number, book.nsheets)
                return builder.build(book.nsheets)
        except _BROKEN as error:
            raise (Locked(name) if "encrypted" in str(error) else damaged(name)) from error


def _sheet(book: Book, sheet: OldSheet) -> Sheet:
    cells: dict[tuple[int, int], str] = {}
    bold: set[tuple[int, int]] = set()
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            if text := _text(book, sheet.cell(row, column)):
                cells[row, column] = text
                if _is_bold(book, sheet.cell(row, column)):
                    bold.add((row, column))
    merged = [(top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells]
    notes = [note.text for _, note in sorted(sheet.cell_note_map.items())]
    return Sheet(sheet.name, cells, merged, frozenset(bold), notes)


def _text(book: Book, cell: Cell) -> str:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(error_text_from_code.get(cell.value, ""))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return cell_text(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_DATE:
        return serial_text(float(cell.value), _format(book, cell), from_1904=book.datemode == 1)
    return cell_text(cell.value, _format(book, cell))


def _format(book: Book, cell: Cell) -> str:
    index = book.xf_list[cell.xf_index].format_key if cell.xf_index is not None else None
    if index in EAST_ASIAN_DATES:  # which xlrd knows as dates, but not how they look
        return EAST_ASIAN_DATES[index]
    form = book.format_map.get(index)
    return (form.format_str or "") if form is not None else ""


def _is_bold(book: Book, cell: Cell) -> bool:
    return cell.xf_index is not None and bool(book.font_list[book.xf_list[cell.xf_index].font_index].weight >= 600)
