"""A sheet of a workbook: cells anywhere, in which tables and notes stand apart from each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product, takewhile

from loaders.builder import DocumentBuilder
from loaders.rows import heading_rows, is_number, is_title
from loaders.table import Cell, merged_heading_rows

Place = tuple[int, int]

"""(row, column)"""

Area = tuple[int, int, int, int]

"""(first row, first column, last row, last column)"""

_LARGEST_MERGED = 10_000

_MOST_HEADING_ROWS = 4

_NOTHING = ("—", "–", "-", "n/a", "N/A")


def regions(cells: Mapping[Place, str], merged: Sequence[Area] = ()) -> list[list[Place]]:
    """Cut a sheet into tables and notes, from top to bottom: at blank rows, and at blank columns beside a new table.

    A blank column alone is often there to please the eye: what stands right of it is a table of its own only if it has
    at least two columns and names its rows. Rows of words above a blank row and rows of numbers are its headings.
    A row that a merged cell covers is not blank.
    """
    covered = {
        (row, left)
        for top, left, bottom, right in merged
        if _is_small(top, left, bottom, right) and (top, left) in cells
        for row in range(top, bottom + 1)
    }
    found = _cut_further(sorted(covered.union(cells)), cells)
    filled = ([place for place in region if place in cells] for region in found)
    return _with_headings(list(filter(None, filled)), cells)


def _is_small(top: int, left: int, bottom: int, right: int) -> bool:
    """Tell a merged area that people make from one that a program lets fill the sheet."""
    return (bottom - top + 1) * (right - left + 1) <= _LARGEST_MERGED


def _cut_further(places: list[Place], cells: Mapping[Place, str]) -> list[list[Place]]:
    for parts in (_cut(places, 0), _side_by_side(_cut(places, 1), cells)):
        if len(parts) > 1:
            return [region for part in parts for region in _cut_further(part, cells)]
    return [places] if places else []


def _cut(places: list[Place], axis: int) -> list[list[Place]]:
    parts: list[list[Place]] = []
    last = -2
    for place in sorted(places, key=lambda each: (each[axis], each)):
        if place[axis] > last + 1:
            parts.append([])
        parts[-1].append(place)
        last = place[axis]
    return parts


def _side_by_side(parts: list[list[Place]], cells: Mapping[Place, str]) -> list[list[Place]]:
    joined = parts[:1]
    for part in parts[1:]:
        if _stands_alone(part, cells) and not _goes_on(joined[-1], part):
            joined.append(part)
        else:
            joined[-1] = joined[-1] + part
    return joined


def _stands_alone(part: list[Place], cells: Mapping[Place, str]) -> bool:
    columns = {column for _, column in part}
    below = [cells.get(place, "") for place in sorted(part) if place[1] == min(columns)][1:]
    return len(columns) > 1 and 2 * sum(map(_is_word, below)) > len(below)


def _goes_on(left: list[Place], right: list[Place]) -> bool:
    """Tell whether the same rows go on beyond a blank column: names stand left of it, and each has its own column."""
    columns = sorted({column for _, column in left})
    is_spaced = all(after > before + 1 for before, after in pairwise(columns))
    return is_spaced and {row for row, _ in left} == {row for row, _ in right}


def _is_word(text: str) -> bool:
    return not is_number(text) and text not in _NOTHING


def _with_headings(found: list[list[Place]], cells: Mapping[Place, str]) -> list[list[Place]]:
    """Join a few rows of words with the rows of numbers below that they head."""
    joined: list[list[Place]] = []
    for region in found:
        if joined and _heads(joined[-1], region, cells):
            joined[-1] = joined[-1] + region
        else:
            joined.append(region)
    return joined


def _heads(above: list[Place], below: list[Place], cells: Mapping[Place, str]) -> bool:
    (rows, columns), (rows_below, columns_below) = (map(set, zip(*places, strict=True)) for places in (above, below))
    first = min(rows_below)
    is_near = 0 < first - max(rows) <= 2
    is_words = len(rows) <= _MOST_HEADING_ROWS and not any(map(is_number, map(cells.__getitem__, above)))
    has_figures = any(is_number(cells[place]) for place in below if place[0] == first)
    return is_near and is_words and has_figures and len(columns & columns_below) > 1


@dataclass(frozen=True, slots=True)
class Sheet:
    """Texts by place; `merged` are areas (first row, first column, last row, last column) that show one cell.

    `bold` are the places in bold; `notes` are remarks on cells, with the cell's name before.
    """

    title: str
    cells: dict[Place, str]
    merged: Sequence[Area] = ()
    bold: frozenset[Place] = frozenset()
    notes: Sequence[str] = ()


def add_sheet(builder: DocumentBuilder, sheet: Sheet, number: int, *, has_more: bool = False) -> None:
    """Add a sheet: its name is a heading, each table on it a block, a title above a table a heading.

    Tables are told apart by blank rows and columns. One that has no headings of its own continues the one above it, if
    it stands in the same columns. `has_more` says that something else of the sheet follows, if it has no cells.
    """
    if not sheet.cells and not has_more:
        return
    builder.heading(1, sheet.title, number)
    above: _Table | None = None
    for region in regions(sheet.cells, sheet.merged):
        table = _Table(region, sheet, above)
        table.add(builder, number)
        above = table if table.headings else above
    builder.leave(2)
    builder.items(sheet.notes, number)


class _Table:
    """One region: titles, rows of headings, rows. Headings are those of the table above where it has none itself."""

    def __init__(self, region: list[Place], sheet: Sheet, above: "_Table | None") -> None:
        found, columns = (sorted(set(each)) for each in zip(*region, strict=True))
        self.left, self.right = columns[0], columns[-1]
        areas = _areas(sheet, found, self.left, self.right)
        grid = _grid(sheet, found, self.left, self.right, areas)
        self._titles = list(takewhile(is_title, grid)) if len(grid) > 1 and self.left < self.right else []
        self._cells = _cells(sheet, found[len(self._titles) :], self.left, self.right, areas)
        rows = grid[len(self._titles) :]
        bold = [_is_bold(sheet, row, self.left, self.right) for row in found]
        self._own = _heading_rows(rows, self._cells, bold[len(self._titles) :])
        self.headings = rows[: self._own]
        if above is not None and not self._own:
            self.headings = above.headings_over(self.left, self.right)

    def headings_over(self, left: int, right: int) -> list[list[str]]:
        """Return the headings for a table below in some of the same columns; none for one that reaches further."""
        if self.left <= left < right <= self.right:
            return [row[left - self.left :] for row in self.headings]
        return []

    def add(self, builder: DocumentBuilder, page: int) -> None:
        builder.leave(2)
        for title in self._titles:
            builder.heading(2, next(filter(None, title)), page)
        if self.left == self.right:
            builder.lines(
                "\n".join(cell if isinstance(cell, str) else cell.text for row in self._cells for cell in row), page
            )
        else:
            inherited: list[list[Cell | str]] = [] if self._own else [list(row) for row in self.headings]
            rows = inherited + self._cells
            builder.table(rows, page, headers=len(self.headings))


def _areas(sheet: Sheet, rows: Sequence[int], left: int, right: int) -> list[Area]:
    """Return the merged areas that lie in a region and show a text."""
    return [
        (top, first, bottom, last)
        for top, first, bottom, last in sheet.merged
        if top in rows
        and left <= first <= right
        and sheet.cells.get((top, first))
        and _is_small(top, first, bottom, last)
    ]


def _grid(sheet: Sheet, rows: Sequence[int], left: int, right: int, areas: Sequence[Area]) -> list[list[str]]:
    """Return the texts; a merged cell's in all its rows and columns, save one as wide as the table, a title."""
    cells = dict(sheet.cells)
    for top, first, bottom, last in areas:
        if not (first <= left and right <= last):
            text = sheet.cells[top, first]
            cells.update({(row, at): text for row in range(top, bottom + 1) for at in range(first, last + 1)})
    return [[cells.get((row, column), "") for column in range(left, right + 1)] for row in rows]


def _cells(sheet: Sheet, rows: Sequence[int], left: int, right: int, areas: Sequence[Area]) -> list[list[Cell | str]]:
    """Return the cells that begin in each row, as a table has them."""
    merged = _merged_cells(sheet, rows, right, areas)
    made: list[list[Cell | str]] = []
    for row in rows:
        places = ((row, column) for column in range(left, right + 1))
        cells = (merged[place] if place in merged else _cell(sheet.cells.get(place, "")) for place in places)
        made.append([cell for cell in cells if cell is not None])
    return made


def _cell(text: str) -> Cell | str:
    return Cell(text) if "\n" in text else text


def _merged_cells(sheet: Sheet, rows: Sequence[int], right: int, areas: Sequence[Area]) -> dict[Place, Cell | None]:
    """Return the merged cells by the places where they begin, and None for those that they cover."""
    merged: dict[Place, Cell | None] = {}
    for top, first, bottom, last in areas:
        inside = [row for row in rows if top <= row <= bottom]
        columns = range(first, min(last, right) + 1)
        merged |= dict.fromkeys(product(inside, columns))
        merged[top, first] = Cell(sheet.cells[top, first], max(len(inside), 1), len(columns))
    return merged


def _is_bold(sheet: Sheet, row: int, left: int, right: int) -> bool:
    """Tell whether all cells that a row has there are in bold."""
    places = [(row, column) for column in range(left, right + 1)]
    return all(place in sheet.bold for place in places if place in sheet.cells)


def _heading_rows(rows: Sequence[Sequence[str]], cells: list[list[Cell | str]], bold: Sequence[bool]) -> int:
    """Count the rows of headings at the top: those in bold, or else what merged cells show, or what the cells tell."""
    count = len(list(takewhile(bool, bold)))
    if 0 < count <= _MOST_HEADING_ROWS and count < len(rows):
        return count
    return merged_heading_rows(cells) or heading_rows(rows)
