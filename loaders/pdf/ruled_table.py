"""Tables that have rules between rows and only space between columns."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

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
    upright = [edge for edge in edges if not edge.is_horizontal]
    for group in _of_one_width(edge for edge in edges if edge.is_horizontal):
        yield from (part for part in _without_boxes(group, upright) if len(part) >= _FEWEST_RULES)


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
        sides = [rule for rule in upright if rule.y0 <= low.y0 + _SNAP and rule.y1 >= high.y0 - _SNAP]
        if _stands_at(high.x0, sides) and _stands_at(high.x1, sides):
            yield part
            part = []
        part.append(low)
    yield part


def _stands_at(x: float, upright: Sequence[Rule]) -> bool:
    return any(abs(rule.x0 - x) <= _SNAP for rule in upright)


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
    return full_rows >= max(2, 0.6 * len(rows)) and sum(filled) <= _LONGEST_CELL * len(filled)


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
