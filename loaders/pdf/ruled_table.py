"""Tables that have rules between rows and only space between columns."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from loaders.pdf.rules import Rule
from loaders.pdf.words import Word, lines_of

Grid = list[list[str]]

_SNAP = 3.0
_SAME = 1.5
_FEWEST_RULES = 3
_SHORTEST = 60.0
_NARROWEST_GAP = 4.0
_LONGEST_CELL = 28  # characters, on average, where no rules part the rows; longer ones are columns of prose
_MOST_LINES_A_ROW = 3
_TALLEST = 0.7  # of the text's height, where no rules part the rows; a taller one is the page between its edges' rules


def ruled_groups(edges: Sequence[Rule]) -> Iterator[list[Rule]]:
    """Yield rules of one width that lie above each other, topmost first; a filled box between two parts them."""
    groups: list[list[Rule]] = []
    for rule in sorted((edge for edge in edges if edge.is_horizontal), key=lambda rule: -rule.y0):
        if rule.x1 - rule.x0 < _SHORTEST:
            continue
        group = next((group for group in groups if _same_width(group[-1], rule)), None)
        if group is None:
            groups.append([rule])
        else:
            group.append(rule)
    upright = [edge for edge in edges if not edge.is_horizontal]
    for group in groups:
        yield from (part for part in _without_boxes(group, upright) if len(part) >= _FEWEST_RULES)


def _same_width(one: Rule, other: Rule) -> bool:
    return abs(one.x0 - other.x0) <= _SAME and abs(one.x1 - other.x1) <= _SAME


def _without_boxes(group: list[Rule], upright: Sequence[Rule]) -> Iterator[list[Rule]]:
    part = [group[0]]
    for high, low in pairwise(group):
        sides = [rule for rule in upright if rule.y0 <= low.y0 + _SNAP and rule.y1 >= high.y0 - _SNAP]
        if any(abs(rule.x0 - high.x0) <= _SNAP for rule in sides) and any(abs(r.x0 - high.x1) <= _SNAP for r in sides):
            yield part
            part = []
        part.append(low)
    yield part


def read_ruled(rules: list[Rule], words: Sequence[Word]) -> tuple[Grid, list[float]]:
    """Return the rows between the first and the last rule and the columns' left edges; empty if it is no table.

    The first space that holds words is the header.
    """
    left, right = rules[0].x0 - 2, rules[0].x1 + 2
    spaces = [
        [word for word in words if low.y0 < word.middle <= high.y0 and left <= word.left and word.right <= right]
        for high, low in pairwise(rules)
    ]
    header, *body = [lines_of(space) for space in spaces if space] or [[]]
    has_row_rules = len(body) > 2 and sum(map(len, body)) <= _MOST_LINES_A_ROW * len(body)
    lefts = _column_edges([word for space in body for line in space for word in line], left)
    rows = [row for space in body for row in _rows(space, lefts, has_row_rules=has_row_rules)]
    is_page = rules[1].y0 - rules[-1].y0 > _TALLEST * _height(words)
    if len(lefts) < 2 or not (has_row_rules or (_is_tabular(rows) and not is_page)):
        return [], []
    heading = [" ".join(filter(None, cells)) for cells in zip(*(_cells(line, lefts) for line in header), strict=True)]
    return [heading if has_row_rules else _spread(heading), *rows], lefts


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
    return full_rows >= max(2, 0.6 * len(rows)) and sum(filled) <= _LONGEST_CELL * len(filled)


def _height(words: Sequence[Word]) -> float:
    return max(word.top for word in words) - min(word.bottom for word in words) if words else 0.0


def _column_edges(words: Sequence[Word], left: float) -> list[float]:
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
