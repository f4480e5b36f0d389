"""Tables of a PDF page, found by the rules that frame them or part their rows.

Rules come from PDFium, and pdfplumber's functions make cells of them: its own reading of a page takes far longer
(docs/decisions/pdf-tables.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from loaders.pdf.ruled_table import Grid, read_ruled, ruled_groups
from loaders.pdf.rules import Rule
from loaders.pdf.words import Word, text_of

Box = tuple[float, float, float, float]  # left, bottom, right, top

_SNAP = 3.0  # points by which rules that should meet may miss each other
_MOST_RULES = 1500
_MOST_EDGES = 600
_FEWEST_RULES = 3  # above the header, below it, below the table
_FEWEST_FILLED = 0.4
_LONGEST_CELL = 250  # characters, on average
_WIDER = 10.0


@dataclass(frozen=True, slots=True)
class PdfTable:
    """Rows of cells and where they stand; `columns` are the left edges.

    `headed` says that rules part the first row from the others, so that it is likely their header.
    """

    rows: tuple[tuple[str, ...], ...]
    columns: tuple[float, ...]
    box: Box
    headed: bool = False

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point lies within the table."""
        left, bottom, right, top = self.box
        return left - 2 <= x <= right + 2 and bottom <= y <= top

    def continues(self, other: "PdfTable") -> bool:
        """Tell whether this may be the rest of a table on the page before: as many columns at the same places."""
        pairs = zip(self.columns, other.columns, strict=False)
        return len(self.columns) == len(other.columns) and all(abs(one - two) < 2 * _SNAP for one, two in pairs)


def may_hold_tables(rules: Sequence[Rule]) -> bool:
    """Tell whether it is worth while to read the page's words: three rules lie above each other."""
    return len(rules) <= _MOST_RULES and sum(rule.is_horizontal for rule in rules) >= _FEWEST_RULES


def find_tables(rules: Sequence[Rule], words: Sequence[Word]) -> list[PdfTable]:
    """Return the tables, topmost first: those whose cells are framed, then those with rules between rows only.

    Rules that reach further out than a frame belong to a table of which only some columns are framed.
    """
    edges = _merged(rules)
    framed = list(filter(None, (_framed(cells, words) for cells in _cell_groups(edges))))
    ruled: list[PdfTable] = []
    for group in ruled_groups(edges):
        box = (group[0].x0, group[-1].y0, group[0].x1, group[0].y0)
        rivals = _overlapping(box, framed)
        if _reaches_further(box, rivals) and (table := _checked(*read_ruled(group, words), box)):
            ruled.append(replace(table, headed=True))
            framed = [each for each in framed if each not in rivals]
    return sorted([*framed, *ruled], key=lambda table: -table.box[3])


def _reaches_further(box: Box, tables: Iterable[PdfTable]) -> bool:
    return all(box[2] - box[0] > table.box[2] - table.box[0] + _WIDER for table in tables)


def _merged(rules: Sequence[Rule]) -> list[Rule]:
    from pdfplumber.table import merge_edges

    merged = merge_edges([_edge(rule) for rule in rules], _SNAP, _SNAP, _SNAP, _SNAP)
    return [Rule(edge["x0"], -edge["bottom"], edge["x1"], -edge["top"]) for edge in merged]


def _cell_groups(edges: Sequence[Rule]) -> list[list[Box]]:
    from pdfplumber.table import cells_to_tables, edges_to_intersections, intersections_to_cells

    if len(edges) > _MOST_EDGES or all(edge.is_horizontal for edge in edges):
        return []
    cells = intersections_to_cells(edges_to_intersections([_edge(rule) for rule in edges], _SNAP, _SNAP))
    return [[(x0, -bottom, x1, -top) for x0, top, x1, bottom in group] for group in cells_to_tables(cells)]


def _edge(rule: Rule) -> dict[str, Any]:
    """Return the rule in pdfplumber's words, where y grows downwards."""
    return {
        "x0": rule.x0,
        "x1": rule.x1,
        "top": -rule.y1,
        "bottom": -rule.y0,
        "width": rule.x1 - rule.x0,
        "height": rule.y1 - rule.y0,
        "orientation": "h" if rule.is_horizontal else "v",
    }


def _framed(cells: list[Box], words: Sequence[Word]) -> PdfTable | None:
    """Lay cells out as a grid. One that spans rows is repeated in each, one that spans columns stands in the first."""
    edges = list(zip(*cells, strict=True))  # lefts, bottoms, rights, tops
    box = (min(edges[0]), min(edges[1]), max(edges[2]), max(edges[3]))
    lefts = _distinct(edges[0])
    tops = _distinct(-top for top in edges[3])
    if len(lefts) < 2 or len(tops) < 2:
        return None
    grid = [[""] * len(lefts) for _ in tops]
    for cell in cells:
        text, column = text_of(_inside(cell, words)), _nearest(cell[0], lefts)
        for row, edge in enumerate(tops):
            if cell[1] + _SNAP < -edge <= cell[3] + _SNAP:
                grid[row][column] = text
    return _checked(grid, lefts, box)


def _inside(cell: Box, words: Sequence[Word]) -> list[Word]:
    left, bottom, right, top = cell
    return [w for w in words if left <= (w.left + w.right) / 2 <= right and bottom <= w.middle <= top]


def _nearest(x: float, edges: list[float]) -> int:
    return min(range(len(edges)), key=lambda index: abs(edges[index] - x))


def _checked(grid: Grid, lefts: list[float], box: Box) -> PdfTable | None:
    """Refuse what only looks like a table: the grid of a chart, frames that lay out prose."""
    rows = [row for row in grid if any(row)]
    columns = [column for column in zip(lefts, *rows, strict=True) if any(column[1:])]
    if len(rows) < 2 or len(columns) < 2:
        return None
    used, *cells = zip(*columns, strict=True)
    return None if _is_layout(cells) else PdfTable(tuple(cells), used, box)


def _is_layout(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether few cells are filled, or with much text."""
    filled = [len(cell) for row in rows for cell in row if cell]
    is_empty = len(filled) < _FEWEST_FILLED * len(rows) * len(rows[0])
    return is_empty or sum(filled) > _LONGEST_CELL * len(filled)


def _distinct(values: Iterable[float]) -> list[float]:
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > _SNAP:
            kept.append(value)
    return kept


def _overlapping(box: Box, tables: Iterable[PdfTable]) -> list[PdfTable]:
    return [table for table in tables if _overlap(table.box, box)]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
