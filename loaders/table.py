"""How a table becomes text: each row is a line that can be found and understood by itself.

Every format fills the same model, rows of cells that may span rows and columns, and one writer makes the lines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, takewhile
from typing import NamedTuple

from kb_server.text.characters import clean, squeeze, unwrap
from loaders.rows import MOST_HEADING_ROWS, Row, are_names, has_header, is_figure, is_title

Place = tuple[int, int]
"""(row, column)"""

_MOST_TITLES = 3
_WIDEST = 1000  # columns that one cell may claim
_MOST_SPREAD = 1_000_000  # places that the cells of a table may claim beyond their own
_ENDS = tuple("。．！？：；，、.!?:;,")
_OPENS = tuple("(（[【")
_BETWEEN_LINES = " / "
_BETWEEN_HEADINGS = " / "


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell and how many rows and columns it covers. Each line of its text means something: an item, a paragraph.

    A cell that is only a `str` covers one place, and its line breaks are wraps.
    """

    text: str
    down: int = 1
    across: int = 1


class Written(NamedTuple):
    """A table as text: what stands above it as its title, and its rows."""

    titles: list[str]
    lines: list[str]


def write(rows: Sequence[Sequence[Cell | str]], headers: int | None = None, *, records: bool = False) -> Written:
    """Write a table. A row holds the cells that begin in it, from the left; what hangs down from above is left out.

    `headers` is how many of the first rows are headings, where the format says so; None lets the cells tell, and more
    rows count if merged cells show that headings go on below. Headings above each other are joined, `Sales / home`; a
    text over all columns is a title. `records` says that the rows are known to be things of one kind (a CSV file), so
    that a heading row is likely. With headings a line is `Name: MiniLM; Size: 90 MB`, else `MiniLM | 90 MB`. A merged
    cell stands in each row that it covers, and under each heading; the lines of a cell are parted by ` / `.
    """
    return _write(_spread(rows), headers, records, "; ")


def row_lines(rows: Sequence[Sequence[Cell | str]], headers: int | None = None, *, records: bool = False) -> list[str]:
    """Return the titles and rows of a table as lines, see `write`."""
    written = write(rows, headers, records=records)
    return written.titles + written.lines


def inline(rows: Sequence[Sequence[Cell | str]], headers: int | None = None) -> str:
    """Return a table that stands within a cell, as lines of that cell: a row a line, `(Name: MiniLM, Size: 90 MB)`."""
    written = _write(_spread(rows), headers, False, ", ")
    return "\n".join([*written.titles, *(f"({line})" for line in written.lines)])


def is_layout(rows: Sequence[Sequence[Cell | str]]) -> bool:
    """Tell whether a table is one cell, which only arranges its content on the page: to be read as if it were none."""
    return sum(map(len, rows)) <= 1


@dataclass(slots=True)
class _Grid:
    """Texts by row and column; `origins` names, for the places of merged cells, the place where each begins."""

    texts: list[Row]
    origins: dict[Place, Place] = field(default_factory=dict)

    def are_one(self, first: Place, second: Place) -> bool:
        """Tell whether two places show the same cell."""
        origin = self.origins.get(first)
        return origin is not None and origin == self.origins.get(second)

    def is_across(self, row: int, column: int) -> bool:
        return any(self.are_one((row, column), (row, column + step)) for step in (-1, 1))

    def is_one_cell(self, row: int) -> bool:
        """Tell whether one cell covers the whole row."""
        width = len(self.texts[row])
        return width > 1 and all(self.are_one((row, 0), (row, column)) for column in range(1, width))

    def once(self, row: int) -> list[str]:
        """Return the row's texts, that of a cell which covers columns once."""
        pairs = enumerate(self.texts[row])
        keyed = groupby(pairs, key=lambda pair: self.origins.get((row, pair[0]), (row, pair[0])))
        return [next(group)[1] for _, group in keyed]

    def below(self, count: int) -> "_Grid":
        """Return what is left without the first rows."""
        if not count:
            return self
        moved = {(row - count, column): origin for (row, column), origin in self.origins.items() if row >= count}
        return _Grid(self.texts[count:], moved)


def _spread(rows: Sequence[Sequence[Cell | str]]) -> _Grid:
    """Give each cell all the places that it covers."""
    grid = _Grid([])
    taken: dict[Place, str] = {}
    for number, row in enumerate(rows):
        if not taken and all(type(cell) is str for cell in row):  # most are, and large tables have many
            grid.texts.append([_wrapped(str(cell)) for cell in row])
        else:
            grid.texts.append(_spread_row(grid, taken, number, row, len(rows)))
    return grid


def _spread_row(grid: _Grid, taken: dict[Place, str], number: int, row: Sequence[Cell | str], height: int) -> list[str]:
    texts: list[str] = []
    for cell in (*row, None):
        while (number, len(texts)) in taken:
            texts.append(taken[number, len(texts)])
        if cell is not None:
            _put(grid, taken, texts, cell, (number, len(texts)), height)
    return texts


def _put(grid: _Grid, taken: dict[Place, str], texts: list[str], cell: Cell | str, place: Place, height: int) -> None:
    """Add a cell to the end of its row; the places that it covers below are taken."""
    if isinstance(cell, str):
        texts.append(_wrapped(cell))
        return
    text, (row, column) = "\n".join(filter(None, map(squeeze, clean(cell.text).split("\n")))), place
    down, across = min(max(cell.down, 1), height - row), min(max(cell.across, 1), _WIDEST)
    if len(grid.origins) + down * across > _MOST_SPREAD:
        down = across = 1
    texts.extend([text] * across)
    if down * across > 1:
        for covered in range(row, row + down):
            for at in range(column, column + across):
                grid.origins[covered, at] = place
                if covered > row:
                    taken[covered, at] = text


def _wrapped(text: str) -> str:
    cleaned = clean(text)
    return squeeze(unwrap(cleaned) if "\n" in cleaned else cleaned)


def _one_line(text: str) -> str:
    """Join the lines of a cell so that one sees where each ended."""
    if "\n" not in text:
        return text
    joined, *further = text.split("\n")
    for line in further:
        is_clear = joined.endswith(_ENDS) or line.startswith(_OPENS)
        joined += (" " if is_clear else _BETWEEN_LINES) + line
    return joined


def _filled_part(grid: _Grid) -> tuple[_Grid, list[int]]:
    """Leave out rows in which nothing begins, and columns that serve as spacing; return too which rows are left."""
    begun = [_begun(grid, row) for row in range(len(grid.texts))]
    rows = [row for row, columns in enumerate(begun) if columns]
    columns = sorted(set().union(*begun))
    if len(rows) == len(begun) and len(columns) == max(map(len, grid.texts), default=0):
        return grid, rows
    return _Grid([_chosen(grid.texts[row], columns) for row in rows], _moved(grid.origins, rows, columns)), rows


def _moved(origins: dict[Place, Place], rows: Sequence[int], columns: Sequence[int]) -> dict[Place, Place]:
    if not origins:
        return {}
    places = {(row, column): (at, to) for at, row in enumerate(rows) for to, column in enumerate(columns)}
    return {places[old]: origin for old, origin in origins.items() if old in places}


def _chosen(row: Row, columns: Sequence[int]) -> Row:
    return [row[column] for column in columns if column < len(row)]


def _begun(grid: _Grid, row: int) -> list[int]:
    """Return the columns in which a text begins in a row."""
    found = [column for column, text in enumerate(grid.texts[row]) if text]
    if not grid.origins:
        return found
    return [at for at in found if grid.origins.get((row, at), (row, at)) == (row, at)]


def _write(grid: _Grid, told: int | None, records: bool, between: str) -> Written:
    grid, kept = _filled_part(grid)
    count = _count_titles(grid, told)
    titles = [_one_line("".join(grid.once(row))) for row in range(count)]
    grid = grid.below(count)
    headers = _count_headers(grid, _left_of(told, kept, count), records)
    if headers == 0 or headers >= len(grid.texts):
        return Written(titles, list(_plain(grid)))
    return Written(titles, list(_labelled(grid, headers, _names(grid.texts[:headers]), between)))


def _left_of(told: int | None, kept: Sequence[int], titles: int) -> int | None:
    """Return how many of the rows of headings that a format tells are left; None where all were titles."""
    if not told:
        return told
    return max(sum(row < told for row in kept) - titles, 0) or None


def _plain(grid: _Grid) -> Iterator[str]:
    for row in range(len(grid.texts)):
        yield " | ".join(map(_one_line, filter(None, grid.once(row))))


def _count_titles(grid: _Grid, told: int | None) -> int:
    """Count the rows above the headings that hold one text: over all columns, or, before a row of names, over some."""
    rows = range(min(_MOST_TITLES, len(grid.texts) - 1))
    return sum(1 for _ in takewhile(lambda row: _is_title_row(grid, row, told), rows))


def _is_title_row(grid: _Grid, row: int, told: int | None) -> bool:
    once = grid.once(row)
    if not is_title(once) or not once[0]:
        return False
    return grid.is_one_cell(row) or _is_label(grid, row, told)


def _is_label(grid: _Grid, row: int, told: int | None) -> bool:
    """Tell whether the one text of a row, which doesn't reach over all columns, stands above a row of names."""
    if len(grid.texts[row]) < 3 or is_figure(grid.texts[row][0]):
        return False
    may_be = grid.is_across(row, 0) or told is None or told > row + 1
    return may_be and are_names(grid.once(row + 1))


def _count_headers(grid: _Grid, told: int | None, records: bool) -> int:
    if told == 0 or len(grid.texts) < 2:
        return told or 0
    deep = _merged_headings(grid)
    if told is not None:
        sections = (row for row in range(1, min(told, len(grid.texts))) if grid.is_one_cell(row))
        return max(next(sections, told), deep)
    return deep or int(has_header(grid.texts, records=records))


def _merged_headings(grid: _Grid) -> int:
    """Count the rows of headings that merged cells show: under one that covers columns, others go on; else 0."""
    width = max(map(len, grid.texts))
    if grid.is_one_cell(0) or not any(grid.is_across(0, column) for column in range(width)):
        return 0
    depth = _depth(grid, width)
    if not 1 < depth <= MOST_HEADING_ROWS or depth >= len(grid.texts):
        return 0
    return depth if _are_headings(grid.texts[:depth]) and _all_go_on(grid, depth, width) else 0


def _depth(grid: _Grid, width: int) -> int:
    depth, row = 1, 0
    while row < depth < len(grid.texts):
        depth = max(depth, *(_reach(grid, row, column) for column in range(width)))
        row += 1
    return depth


def _are_headings(rows: Sequence[Row]) -> bool:
    """Tell whether rows hold no figures, and name no two columns alike."""
    names = list(filter(None, _names(rows)))
    return len(set(names)) == len(names) and not any(map(is_figure, chain.from_iterable(rows)))


def _reach(grid: _Grid, row: int, column: int) -> int:
    """Return how many rows of headings a cell asks for: its own, and one more below one that covers columns."""
    last = row
    while grid.are_one((row, column), (last + 1, column)):
        last += 1
    return last + 1 + grid.is_across(row, column)


def _all_go_on(grid: _Grid, depth: int, width: int) -> bool:
    """Tell whether no plain cell above the last row of headings has another text below it."""
    for row in range(depth - 1):
        for column in range(min(width, len(grid.texts[row]))):
            is_merged = (row, column) in grid.origins
            under = [texts[column] for texts in grid.texts[row + 1 : depth] if column < len(texts)]
            if grid.texts[row][column] and not is_merged and any(under):
                return False
    return True


def merged_heading_rows(rows: Sequence[Sequence[Cell | str]]) -> int:
    """Count the rows of headings at the top as merged cells show them; 0 where they show none."""
    grid = _filled_part(_spread(rows[: 2 * MOST_HEADING_ROWS]))[0]
    return _merged_headings(grid) if len(grid.texts) > 1 else 0


def _names(rows: Sequence[Row]) -> list[str]:
    """Join the headings that stand above each other, each once; line breaks in a heading are wraps."""
    width = max(map(len, rows))
    columns = ([unwrap(row[index]) for row in rows if index < len(row)] for index in range(width))
    return [_BETWEEN_HEADINGS.join(dict.fromkeys(filter(None, column))) for column in columns]


def _labelled(grid: _Grid, first: int, names: Sequence[str], between: str) -> Iterator[str]:
    """Write rows with the name of its column before each cell; one that covers all columns stands alone."""
    for row in range(first, len(grid.texts)):
        texts = grid.texts[row]
        if grid.origins and grid.is_one_cell(row):
            yield _one_line(texts[0])
            continue
        padded = [*names, *[""] * (len(texts) - len(names))]
        pairs = zip(padded, map(_one_line, texts), strict=False)
        yield between.join(f"{name}: {text}" if name and name != text else text for name, text in pairs if text)
