"""Tables of a PDF page, found by the rules that frame them or part their rows.

Rules come from PDFium, and pdfplumber's functions make cells of them: its own reading of a page takes far longer
(docs/decisions/pdf-tables.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any

from loaders.pdf.rules import Rule
from loaders.pdf.words import Word, lines_of, text_of

Grid = list[list[str]]

_RULED_SNAP = 3.0

_SAME = 1.5

_RULED_FEWEST_RULES = 3

_SHORTEST = 60.0

_NARROWEST_GAP = 4.0

_RULED_LONGEST_CELL = 28  # characters, on average, where no rules part the rows; longer ones are columns of prose

_MOST_LINES_A_ROW = 3

_TALLEST = 0.7  # of the text's height, where no rules part the rows; a taller one is the page between its edges' rules


def ruled_groups(edges: Sequence[Rule]) -> Iterator[list[Rule]]:
    """Yield rules of one width that lie above each other, topmost first; a filled box between two parts them."""
    upright = [edge for edge in edges if not edge.is_horizontal]
    for group in _of_one_width(edge for edge in edges if edge.is_horizontal):
        yield from (part for part in _without_boxes(group, upright) if len(part) >= _RULED_FEWEST_RULES)


def _of_one_width(level: Iterable[Rule]) -> list[list[Rule]]:
    groups: list[list[Rule]] = []
    for rule in sorted(level, key=lambda rule: -rule.y0):
        if rule.x1 - rule.x0 < _SHORTEST:
            continue
        group = next((group for group in groups if _same_width(group[-1], rule)), None)
        if group is None:
            groups.append([rule])
        else:
            group.append(rule)
    return groups


def _same_width(one: Rule, other: Rule) -> bool:
    return abs(one.x0 - other.x0) <= _SAME and abs(one.x1 - other.x1) <= _SAME


def _without_boxes(group: list[Rule], upright: Sequence[Rule]) -> Iterator[list[Rule]]:
    part = [group[0]]
    for high, low in pairwise(group):
        sides = [rule for rule in upright if rule.y0 <= low.y0 + _RULED_SNAP and rule.y1 >= high.y0 - _RULED_SNAP]
        if _stands_at(high.x0, sides) and _stands_at(high.x1, sides):
            yield part
            part = []
        part.append(low)
    yield part


def _stands_at(x: float, upright: Sequence[Rule]) -> bool:
    return any(abs(rule.x0 - x) <= _RULED_SNAP for rule in upright)


def read_ruled(rules: list[Rule], words: Sequence[Word]) -> tuple[Grid, list[float]]:
    """Return the rows between the first and the last rule and the columns' left edges; empty if it is no table.

    The first space that holds words is the header.
    """
    header, *body = _spaces(rules, words) or [[]]
    has_row_rules = len(body) > 2 and sum(map(len, body)) <= _MOST_LINES_A_ROW * len(body)
    lefts = _column_edges(chain.from_iterable(chain.from_iterable(body)), rules[0].x0 - 2)
    rows = list(chain.from_iterable(_rows(space, lefts, has_row_rules=has_row_rules) for space in body))
    if len(lefts) < 2:
        return [], []
    if has_row_rules:
        return [_heading(header, lefts), *rows], lefts
    is_page = rules[1].y0 - rules[-1].y0 > _TALLEST * _height(words)
    return ([], []) if is_page or not _is_tabular(rows) else ([_spread(_heading(header, lefts)), *rows], lefts)


def _spaces(rules: list[Rule], words: Sequence[Word]) -> list[list[list[Word]]]:
    """Return the lines between each two rules; a space without words is left out."""
    left, right = rules[0].x0 - 2, rules[0].x1 + 2
    within = [word for word in words if left <= word.left and word.right <= right]
    spaces = ([word for word in within if low.y0 < word.middle <= high.y0] for high, low in pairwise(rules))
    return list(map(lines_of, filter(None, spaces)))


def _heading(lines: list[list[Word]], lefts: list[float]) -> list[str]:
    """Join the cells of a header's lines, column by column."""
    return [" ".join(filter(None, cells)) for cells in zip(*(_cells(line, lefts) for line in lines), strict=True)]


def _spread(heading: list[str]) -> list[str]:
    """Let a heading reach over the columns to its right that have none."""
    spread: list[str] = []
    for own in heading:
        spread.append(own or (spread[-1] if spread else ""))
    return spread


def _rows(space: list[list[Word]], lefts: list[float], *, has_row_rules: bool) -> Grid:
    """Make rows of the lines between two rules; a line that fills few columns goes on with the row above it."""
    rows: Grid = []
    for line in space:
        cells = _cells(line, lefts)
        is_sparse = 2 * sum(map(bool, cells)) <= len(cells)
        if rows and is_sparse and (has_row_rules or not cells[0]):
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows


def _is_tabular(rows: Grid) -> bool:
    filled = [len(cell) for row in rows for cell in row if cell]
    full_rows = sum(sum(map(bool, row)) > 1 for row in rows)
    return full_rows >= max(2, 0.6 * len(rows)) and sum(filled) <= _RULED_LONGEST_CELL * len(filled)


def _height(words: Sequence[Word]) -> float:
    return max(word.top for word in words) - min(word.bottom for word in words) if words else 0.0


def _column_edges(words: Iterable[Word], left: float) -> list[float]:
    """Return where columns begin: behind each strip that no word of the table's body enters."""
    edges = [left]
    reached: float | None = None
    for word in sorted(words, key=lambda word: word.left):
        if reached is not None and word.left - reached > _NARROWEST_GAP:
            edges.append((reached + word.left) / 2)
        reached = word.right if reached is None else max(reached, word.right)
    return edges


def _cells(line: Sequence[Word], lefts: list[float]) -> list[str]:
    cells: list[list[str]] = [[] for _ in lefts]
    for word in line:
        middle = (word.left + word.right) / 2
        cells[max(sum(left <= middle for left in lefts) - 1, 0)].append(word.text)
    return [" ".join(cell) for cell in cells]


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
