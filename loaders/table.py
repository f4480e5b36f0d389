"""How a table becomes text: each row is a line that can be found and understood by itself."""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

Row = Sequence[str]

_NUMBER = re.compile(r"[^\w]*\d[\d\s.,:/%€$£¥+-]*[^\W\d]{0,4}[^\w]*")
_LONGEST_HEADING = 60
_LONGEST_TITLE = 100
_MOST_HEADING_ROWS = 4
_YEARS = range(1900, 2101)


def row_lines(rows: Sequence[Row], headers: int | None = None, *, records: bool = False) -> list[str]:
    """Return the lines of a table whose cells are single lines.

    `headers` is how many of the first rows are headings, where the format says so; None lets the cells tell.
    `records` says that the rows are known to be things of one kind (a CSV file), so that a heading row is likely.
    With headings a line is `Name: MiniLM; Size: 90 MB`, else `MiniLM | 90 MB`.
    """
    filled = _without_empty_columns([row for row in rows if any(row)])
    if headers is None:
        headers = int(has_header(filled, records=records))
    if headers == 0 or headers >= len(filled):
        return [" | ".join(filter(None, row)) for row in filled]
    titles = _titles(filled[:headers])
    return [_labelled(titles, row) for row in filled[headers:]]


def has_header(rows: Sequence[Row], *, records: bool = False) -> bool:
    """Guess whether the first row names the columns.

    It must have a short, distinct, non-numeric name for every column but the first; and for two columns, unless the
    rows are records, numbers must stand below, for two columns of words are as likely a list of names and values.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = rows[0]
    if not _are_names(first):
        return False
    return records or len(first) > 2 or all(len(row) > 1 and is_number(row[1]) for row in rows[1:])


def _are_names(row: Row) -> bool:
    """Tell whether all cells but perhaps the first hold names, none of them twice."""
    names = [cell for cell in row if cell]
    is_full = len(names) >= len(row) - (not row[0])
    return is_full and len(set(names)) == len(names) and all(map(_is_name, names))


def heading_rows(rows: Sequence[Row], *, records: bool = False) -> int:
    """Count the rows of headings at the top: one of names, or else all without figures where figures follow."""
    count = len(list(takewhile(lambda row: not any(map(_is_figure, row)), rows)))
    if 0 < count < len(rows) and has_header(rows, records=True):
        return 1
    return count if 0 < count <= _MOST_HEADING_ROWS and count < len(rows) else int(has_header(rows, records=records))


def is_title(row: Row) -> bool:
    """Tell whether a row holds one short text, as stands above a table."""
    filled = list(filter(None, row))
    return len(filled) == 1 and len(filled[0]) <= _LONGEST_TITLE and not is_number(filled[0])


def _is_figure(cell: str) -> bool:
    """Tell a number from text, and from a year, which heads a column as often."""
    return is_number(cell) and not (cell.isdecimal() and int(cell) in _YEARS)


def _is_name(cell: str) -> bool:
    return len(cell) <= _LONGEST_HEADING and not is_number(cell)


def is_number(cell: str) -> bool:
    """Tell whether a cell holds a number, perhaps with a sign, a unit or a currency."""
    return _NUMBER.fullmatch(cell) is not None


def _without_empty_columns(rows: Sequence[Row]) -> Sequence[Row]:
    """Leave out the columns that serve as spacing; rows may differ in length."""
    used = sorted(set().union(*map(_filled, rows)))
    if not used or len(used) == used[-1] + 1:
        return rows
    return [[row[index] for index in used if index < len(row)] for row in rows]


def _filled(row: Row) -> list[int]:
    return [index for index, cell in enumerate(row) if cell]


def _titles(rows: Sequence[Row]) -> list[str]:
    """Join the headings that stand above each other, each word once."""
    width = max(map(len, rows))
    columns = ([row[index] for row in rows if index < len(row)] for index in range(width))
    return [" ".join(dict.fromkeys(filter(None, column))) for column in columns]


def _labelled(titles: Sequence[str], row: Row) -> str:
    padded: Iterable[str] = [*titles, *[""] * (len(row) - len(titles))]
    pairs = zip(padded, row, strict=False)
    return "; ".join(f"{title}: {cell}" if title and title != cell else cell for title, cell in pairs if cell)
