"""Web pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.plain.text import add_text, read_text
from loaders.source import read_bytes

_CELL_BLANKS = re.compile(r"\s+")

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
        text = _CELL_BLANKS.sub(" ", "".join(self.cells)).strip()
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


_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)

_CHARSET_WITHIN = 4096

_DROPPED = frozenset(
    "script style noscript template nav iframe object svg title button select textarea dialog canvas map "
    "audio video datalist".split()
)

_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark meter output q ruby s samp "
    "small span strike strong sub sup time tt u var wbr br input nobr ix:nonnumeric ix:nonfraction".split()
)

_LISTS = ("ul", "ol", "menu", "dl")

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)

_HEADING = re.compile(r"h[1-6]")

_BLANKS = re.compile(r"\s+")

_EMPTY_LINE = re.compile(r"\n *\n")


class HtmlLoader:
    """Reads what a page says: no scripts, menus or forms. Nothing is run and nothing is fetched."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        declared = _CHARSET.search(read_bytes(path, name, _CHARSET_WITHIN))
        text = read_text(path, name, declared[1].decode("ascii", "ignore") if declared else None)
        builder = DocumentBuilder(name)
        add_html(builder, text)
        return builder.build()


def add_html(builder: DocumentBuilder, text: str, page: int | None = None, *, titled: bool = True) -> None:
    """Feed a page to a builder; if it is `titled`, its title counts where it has no main heading."""
    soup = BeautifulSoup(text, "html.parser")
    if titled and soup.title is not None and soup.find("h1") is None:
        builder.heading(1, soup.title.get_text(), page)
    walk = _Walk(builder, page)
    walk.run(soup)
    walk.flush()


@dataclass
class _Walk:
    """Goes through the tree without recursion, for pages nest as deep as they like.

    `pending` is the running text since the last block; `items` the list that is open, with its numbers by depth;
    `defined` says that its last item has a definition already.
    """

    builder: DocumentBuilder
    page: int | None = None
    pending: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)
    defined: bool = False

    def run(self, root: Tag) -> None:
        stack: list[Iterator[object]] = [iter(root.contents)]
        owners: list[Tag] = [root]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                self._leave(owners.pop())
            elif isinstance(node, Tag):
                if self._enter(node):
                    stack.append(iter(node.contents))
                    owners.append(node)
            elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
                self.pending.append(_BLANKS.sub(" ", node))

    def flush(self) -> None:
        """Make what is pending a block."""
        self._flush_text()
        self._flush_items()

    def _enter(self, tag: Tag) -> bool:
        """Begin an element; False where its content is left out or has been taken as a whole."""
        if _is_dropped(tag):
            return False
        if tag.name in _INLINE:
            self._inline(tag)
        elif tag.name in _LISTS:
            self._open_list(tag)
        elif tag.name in ("li", "dt", "dd"):
            self._open_item(tag)
        elif tag.name == "pre" or (tag.name == "table" and not is_layout(tag)):
            self.flush()
            self._whole(tag)
            return False
        else:
            self._flush_text()
        return True

    def _leave(self, tag: Tag) -> None:
        if _HEADING.fullmatch(tag.name):
            title, self.pending = "".join(self.pending), []
            self._flush_items()
            self.builder.heading(int(tag.name[1]), title, self.page)
        elif tag.name in _LISTS:
            self._flush_text()
            self.numbers.pop()
            if not self.numbers:
                self._flush_items()
        elif tag.name not in _INLINE:
            self._flush_text()

    def _inline(self, tag: Tag) -> None:
        if tag.name == "br":
            self.pending.append("\n")
        elif tag.name == "img":
            self.pending.append(f" {tag.get('alt') or ''} ")

    def _open_list(self, tag: Tag) -> None:
        self._flush_text()
        start = str(tag.get("start") or "1")
        self.numbers.append(int(start) if tag.name == "ol" and start.isdecimal() else 1 if tag.name == "ol" else None)

    def _open_item(self, tag: Tag) -> None:
        """Begin a line; a definition follows its term on the same line, `Oak: a tree; a wood`."""
        self._flush_text()
        if tag.name == "dd" and self.items and self.items[-1].strip():
            self._define()
            return
        self.defined = False
        number = self.numbers[-1] if self.numbers else None
        if number is not None:
            self.numbers[-1] = number + 1
        indent = "  " * (len(self.numbers) - 1)
        self.items.append(indent if number is None else f"{indent}{number}. ")

    def _define(self) -> None:
        """Part a definition from its term, or from the definition before it."""
        has_colon = self.items[-1].endswith((":", "："))
        self.items[-1] += ";" if self.defined else "" if has_colon else ":"
        self.defined = True

    def _whole(self, tag: Tag) -> None:
        if tag.name == "table":
            rows, headers = table_rows(tag)
            if max(map(len, rows), default=0) > 1:
                self.builder.table(rows, self.page, headers)
            else:
                self.builder.lines("\n".join(cell for row in rows for cell in row), self.page)
        elif tag.find("code") is None and "\n\n" in tag.get_text():
            add_text(self.builder, tag.get_text())
        else:
            self.builder.code(tag.get_text(), self.page)

    def _flush_text(self) -> None:
        text = "".join(self.pending).strip()
        self.pending = []
        if not text:
            return
        if self.numbers and self.items:
            glue = "" if not self.items[-1].strip() or self.items[-1].endswith(" ") else " "
            self.items[-1] += glue + text
        else:
            self._flush_items()
            for paragraph in _EMPTY_LINE.split(text):
                self.builder.lines(paragraph, self.page)

    def _flush_items(self) -> None:
        self.builder.items(self.items, self.page)
        self.items = []


def _is_dropped(tag: Tag) -> bool:
    if tag.name in _DROPPED or tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return True
    if tag.get("role") == "navigation" or _HIDDEN.search(str(tag.get("style") or "")):
        return True
    return tag.name == "footer" and tag.find_parent(["article", "main", "blockquote"]) is None
