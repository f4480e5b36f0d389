"""Tables of Word documents."""

from itertools import pairwise
from typing import Any

from docx.oxml.ns import qn
from docx.table import Table, _Row

from loaders.docx_text import PARAGRAPH, paragraph_text

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
    marked = [row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None for row in rows]
    count = next((index for index, is_heading in enumerate(marked) if not is_heading), 0)
    if not count and len(rows) > 1 and _is_bold(rows[0]) and not _is_bold(rows[1]):
        return 1
    return count or None


def _is_bold(row: Element) -> bool:
    runs = [run for run in row.iter(qn("w:r")) if run.find(qn("w:t")) is not None]
    marks = [run.find(f"{qn('w:rPr')}/{qn('w:b')}") for run in runs]
    return bool(marks) and all(mark is not None and mark.get(qn("w:val"), "1") not in ("0", "false") for mark in marks)
