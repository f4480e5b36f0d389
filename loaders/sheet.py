"""A sheet of a workbook: cells anywhere, in which tables and notes stand apart from each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from loaders.builder import DocumentBuilder
from loaders.sheet_regions import Place, regions
from loaders.table import heading_rows, is_title

_MOST_HEADING_ROWS = 4
_LARGEST_MERGED = 10_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """Texts by place; `merged` are areas (first row, first column, last row, last column) that show one cell.

    `bold` are the places in bold; `notes` are remarks on cells, with the cell's name before.
    """

    title: str
    cells: dict[Place, str]
    merged: Sequence[tuple[int, int, int, int]] = ()
    bold: frozenset[Place] = frozenset()
    notes: Sequence[str] = ()


def add_sheet(builder: DocumentBuilder, sheet: Sheet, number: int) -> None:
    """Add a sheet: its name is a heading, each table on it a block, a title above a table a heading.

    Tables are told apart by blank rows and columns. One that has no headings of its own continues the one above it, if
    it stands in the same columns.
    """
    if not sheet.cells:
        return
    builder.heading(1, sheet.title, number)
    above: _Table | None = None
    for region in regions(sheet.cells):
        table = _Table(region, sheet, above)
        table.add(builder, number)
        above = table if table.headings else above
    builder.leave(2)
    builder.items(sheet.notes, number)


class _Table:
    """One region: titles, rows of headings, rows. Headings are those of the table above where it has none itself."""

    def __init__(self, region: list[Place], sheet: Sheet, above: "_Table | None") -> None:
        self.left = min(column for _, column in region)
        self.right = max(column for _, column in region)
        numbers = sorted({row for row, _ in region})
        cells = _spread(sheet, numbers, self.left, self.right)
        columns = range(self.left, self.right + 1)
        grid = [[cells.get((row, column), "") for column in columns] for row in numbers]
        bold = [all((row, c) in sheet.bold for c in columns if (row, c) in sheet.cells) for row in numbers]
        self._titles = list(takewhile(is_title, grid)) if len(grid) > 1 and self.left < self.right else []
        self._rows = grid[len(self._titles) :]
        self._own = _heading_rows(self._rows, bold[len(self._titles) :])
        self.headings = self._rows[: self._own]
        if above is not None and not self._own and above.left <= self.left < self.right <= above.right:
            self.headings = [row[self.left - above.left :] for row in above.headings]

    def add(self, builder: DocumentBuilder, page: int) -> None:
        builder.leave(2)
        for title in self._titles:
            builder.heading(2, next(filter(None, title)), page)
        if self.left == self.right:
            builder.lines("\n".join(row[0] for row in self._rows), page)
        else:
            rows = self._rows if self._own else [*self.headings, *self._rows]
            builder.table(rows, page, headers=len(self.headings))


def _spread(sheet: Sheet, rows: Sequence[int], left: int, right: int) -> dict[Place, str]:
    """Write a merged cell's text into all its rows and columns, save one as wide as the table, which is a title."""
    cells = dict(sheet.cells)
    for top, first, bottom, last in sheet.merged:
        text = sheet.cells.get((top, first))
        is_title = first <= left and right <= last
        if not text or is_title or bottom < rows[0] or top > rows[-1]:
            continue
        if (bottom - top + 1) * (last - first + 1) <= _LARGEST_MERGED:
            cells.update({(row, c): text for row in range(top, bottom + 1) for c in range(first, last + 1)})
    return cells


def _heading_rows(rows: Sequence[Sequence[str]], bold: Sequence[bool]) -> int:
    """Count the rows of headings at the top: those in bold, or else what the cells tell."""
    count = len(list(takewhile(bool, bold)))
    return count if 0 < count <= _MOST_HEADING_ROWS and count < len(rows) else heading_rows(rows)
