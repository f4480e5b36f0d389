"""What the cells of rows are: names of columns, titles, numbers."""

import re
from collections.abc import Sequence
from itertools import takewhile

Row = Sequence[str]

MOST_HEADING_ROWS = 4
_NUMBER = re.compile(r"[^\w]*\d[\d\s.,:/%€$£¥+-]*[^\W\d]{0,4}[^\w]*")
_LONGEST_HEADING = 60
_LONGEST_TITLE = 100
_YEARS = range(1900, 2101)


def has_header(rows: Sequence[Row], *, records: bool = False) -> bool:
    """Guess whether the first row names the columns.

    It must have a short, distinct, non-numeric name for every column but the first, or but the last of more; and for
    two columns, unless the rows are records, numbers must stand below, for two columns of words are as likely a list
    of names and values.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = rows[0]
    if not are_names(first):
        return False
    return records or len(first) > 2 or all(len(row) > 1 and is_number(row[1]) for row in rows[1:])


def are_names(row: Row) -> bool:
    """Tell whether all cells but perhaps the first, or the last of four or more, hold names, none of them twice."""
    names = [cell for cell in row if cell]
    may_lack = not row[0] or (len(row) > 3 and not row[-1])
    is_full = len(names) >= len(row) - may_lack
    return is_full and len(set(names)) == len(names) and all(map(_is_name, names))


def heading_rows(rows: Sequence[Row], *, records: bool = False) -> int:
    """Count the rows of headings at the top: one of names, or else all without figures where figures follow."""
    rows = _without_empty_columns(rows)
    count = len(list(takewhile(lambda row: not any(map(is_figure, row)), rows)))
    if 0 < count < len(rows) and has_header(rows, records=True) and not _goes_on(rows, count):
        return 1
    return count if 0 < count <= MOST_HEADING_ROWS and count < len(rows) else int(has_header(rows, records=records))


def _goes_on(rows: Sequence[Row], count: int) -> bool:
    """Tell whether the next row adds the name that the first lacks in its last column, and leaves others free."""
    return count > 1 and not rows[0][-1] and bool(rows[1][-1]) and not all(rows[1])


def is_title(row: Row) -> bool:
    """Tell whether a row holds one short text, as stands above a table."""
    filled = list(filter(None, row))
    return len(filled) == 1 and len(filled[0]) <= _LONGEST_TITLE and not is_number(filled[0])


def is_figure(cell: str) -> bool:
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
    return [[row[column] for column in used if column < len(row)] for row in rows]


def _filled(row: Row) -> list[int]:
    return [column for column, text in enumerate(row) if text]
