"""Tables of web pages."""

import re

from bs4.element import NavigableString, PageElement, PreformattedString, Tag

_BLANKS = re.compile(r"\s+")
_LIST_OR_HEADING = ["table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre"]
_UNPRINTED = ("script", "style", "template")
_WIDEST_SPAN = 100
_CURRENCY = ("$", "€", "£", "¥", "￥", "(")


def is_layout(table: Tag) -> bool:
    """Tell whether a table only arranges other blocks on the page."""
    has_one_cell = len(table.find_all(["td", "th"], limit=2)) < 2
    return has_one_cell or table.get("role") == "presentation" or table.find(_LIST_OR_HEADING) is not None


def table_rows(table: Tag) -> tuple[list[list[str]], int | None]:
    """Return the cells, and how many rows are headings (None if nothing says so).

    One pass over the descendants, for cells and rows may lack their closing tags. A cell that spans rows is repeated
    in each of them, one that spans columns stands in the first; headings that span columns stand above each.
    """
    grid = _Grid()
    for node in table.descendants:
        if isinstance(node, Tag):
            grid.open(node)
        elif _is_printed(node):
            grid.cells.append(str(node))
    grid.close_row()
    return [_join_currency(row) for row in grid.rows], _leading(grid.heading_rows)


def _is_printed(node: PageElement) -> bool:
    if not isinstance(node, NavigableString) or isinstance(node, PreformattedString):
        return False
    return node.parent is None or node.parent.name not in _UNPRINTED


class _Grid:
    """Rows of cells as they come, with what hangs down from the rows above."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.heading_rows: list[bool] = []
        self.cells: list[str] = []
        self._row: list[str] = []
        self._hanging: dict[int, tuple[int, str]] = {}
        self._cell: Tag | None = None
        self._only_headings = True

    def open(self, tag: Tag) -> None:
        if tag.name == "tr":
            self.close_row()
        elif tag.name in ("td", "th"):
            self._close_cell()
            self._cell = tag
            self._only_headings &= tag.name == "th" or tag.find_parent("thead") is not None
        elif tag.name in ("br", "p", "div"):
            self.cells.append(" ")
        elif tag.name == "img":
            self.cells.append(str(tag.get("alt") or ""))

    def close_row(self) -> None:
        self._close_cell()
        self._fill_hanging()
        if any(self._row):
            self.rows.append(self._row)
            self.heading_rows.append(self._only_headings)
        self._row, self._only_headings = [], True

    def _close_cell(self) -> None:
        text = _BLANKS.sub(" ", "".join(self.cells)).strip()
        self.cells = []
        if self._cell is None:
            self._row += [text] if text else []  # a caption, or words that stand outside of any cell
            return
        self._fill_hanging()
        across = _span(self._cell, "colspan")
        column, down = len(self._row), _span(self._cell, "rowspan")
        self._row += [text if index == 0 or self._cell.name == "th" else "" for index in range(across)]
        if down > 1:
            self._hanging.update({column + index: (down - 1, self._row[column + index]) for index in range(across)})
        self._cell = None

    def _fill_hanging(self) -> None:
        while (column := len(self._row)) in self._hanging:
            left, text = self._hanging.pop(column)
            self._row.append(text)
            if left > 1:
                self._hanging[column] = (left - 1, text)


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1")
    return min(max(int(value), 1), _WIDEST_SPAN) if value.isdecimal() else 1


def _leading(heading_rows: list[bool]) -> int | None:
    """Count the heading rows at the top; a table of nothing but headings says nothing."""
    count = next((index for index, is_heading in enumerate(heading_rows) if not is_heading), 0)
    return count or None


def _join_currency(row: list[str]) -> list[str]:
    """Put a currency sign that has a cell of its own into the cell of its number, which keeps its column."""
    joined = list(row)
    for index in range(len(joined) - 1):
        if joined[index] in _CURRENCY:
            joined[index], joined[index + 1] = "", joined[index] + joined[index + 1]
    return joined
