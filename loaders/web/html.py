"""Web pages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.plain.text import add_text, read_text
from loaders.source import read_bytes
from loaders.table import Cell, inline

_BLANKS = re.compile(r"\s+")

_BLOCKS = ("table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "p")

_WHOLE = ("pre", "table")

_OF_CELLS = ("td", "th")

_CURRENCY = ("$", "€", "£", "¥", "￥", "(")

_DEEPEST = 20  # tables within tables; of deeper ones only the words are taken


@dataclass(slots=True)
class _Cells:
    """The cells of one table as the page has them, without those of tables within it.

    `heading_rows` tells of each row whether it holds headings alone; `is_data` that there is a heading or a caption.
    """

    rows: list[list[Tag]] = field(default_factory=list)
    heading_rows: list[bool] = field(default_factory=list)
    is_data: bool = False

    @classmethod
    def of(cls, table: Tag) -> "_Cells":
        """Collect them in one pass, for cells and rows may lack their closing tags."""
        found = cls()
        stack = [iter(table.contents)]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
            elif isinstance(node, Tag):
                found._add(node)
                if node.name != "table":
                    stack.append(iter(node.contents))
        return found

    def _add(self, tag: Tag) -> None:
        if tag.name == "tr" or (tag.name in _OF_CELLS and not self.rows):
            self.rows.append([])
            self.heading_rows.append(True)
        if tag.name in _OF_CELLS:
            self.rows[-1].append(tag)
            if tag.name == "td" and self.heading_rows[-1]:
                around = tag.find_parent(("thead", "table"))
                self.heading_rows[-1] = around is not None and around.name == "thead"
        self.is_data |= tag.name in ("caption", "th")

    @property
    def headers(self) -> int | None:
        """The rows of headings at the top; None if nothing, or all, are said to be such."""
        return next((index for index, is_heading in enumerate(self.heading_rows) if not is_heading), 0) or None

    def is_layout(self, table: Tag) -> bool:
        """Tell whether a table only arranges other blocks on the page.

        That is so of a single cell, and of what has neither headings nor borders, if it is one row or column of
        blocks, or holds tables or main headings.
        """
        if sum(map(len, self.rows)) < 2 or table.get("role") == "presentation":
            return True
        if self.is_data or _has_border(table):
            return False
        is_strip = sum(map(bool, self.rows)) == 1 or max(map(len, self.rows)) == 1
        return table.find(_BLOCKS if is_strip else ("table", "h1", "h2")) is not None


def _has_border(table: Tag) -> bool:
    return str(table.get("border") or "0") != "0" or "border" in str(table.get("style") or "")


def _has_columns(row: Sequence[Cell]) -> bool:
    return len(row) > 1 or any(cell.across > 1 for cell in row)


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1")
    return int(value[:5]) if value.isascii() and value.isdecimal() else 1


def _join_currency(row: list[Cell]) -> list[Cell]:
    """Put a currency sign that has a cell of its own into the cell of its number, which keeps its column."""
    joined = list(row)
    for index in range(len(joined) - 1):
        if joined[index].text in _CURRENCY:
            sign, number = joined[index], joined[index + 1]
            joined[index] = replace(sign, text="")
            joined[index + 1] = replace(number, text=sign.text + number.text)
    return joined


class _CellLines:
    """Takes the blocks of a cell as lines, in place of a builder: within a cell nothing is a section."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def heading(self, _level: int, text: str, _page: int | None = None) -> None:
        self.lines(text)

    def lines(self, text: str, _page: int | None = None) -> None:
        self.found += text.split("\n")

    code = lines

    def items(self, items: Iterable[str], _page: int | None = None) -> None:
        self.found += items

    def table(self, rows: Sequence[Sequence[Cell]], _page: int | None = None, headers: int | None = None) -> None:
        self.lines(inline(rows, headers) if len(rows) > 1 or len(rows[0]) > 1 else rows[0][0].text)


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
    `defined` says that its last item has a definition already; `depth` counts the tables around.
    """

    builder: DocumentBuilder | _CellLines
    page: int | None = None
    depth: int = 0
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
        if _is_dropped(tag) or (self.depth and tag.name in _OF_CELLS):
            return False  # a cell within a cell has only lost the end of the one before it
        if tag.name in _INLINE:
            self._inline(tag)
        elif tag.name in _LISTS:
            self._open_list(tag)
        elif tag.name in ("li", "dt", "dd"):
            self._open_item(tag)
        elif tag.name in _WHOLE:
            self.flush()
            return not self._whole(tag)
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

    def _whole(self, tag: Tag) -> bool:
        """Add what is taken as a whole; False for a table that is layout only."""
        if tag.name == "pre":
            return self._preformatted(tag)
        if self.depth < _DEEPEST:
            return self._table(tag)
        self.pending.append(tag.get_text(" "))
        return True

    def _preformatted(self, tag: Tag) -> bool:
        if isinstance(self.builder, DocumentBuilder) and tag.find("code") is None and "\n\n" in tag.get_text():
            add_text(self.builder, tag.get_text())
        else:
            self.builder.code(tag.get_text(), self.page)
        return True

    def _table(self, tag: Tag) -> bool:
        """Add a table, its caption before it; False for one that is layout only."""
        cells = _Cells.of(tag)
        if cells.is_layout(tag) and not self.depth:
            return False
        self.builder.lines(self._inner(tag), self.page)
        rows = [_join_currency(list(map(self._cell, row))) for row in cells.rows]
        if any(map(_has_columns, rows)):
            self.builder.table(rows, self.page, cells.headers)
        else:
            self.builder.lines("\n".join(cell.text for cell in chain.from_iterable(rows)), self.page)
        return True

    def _cell(self, tag: Tag) -> Cell:
        text = "" if _is_dropped(tag) else self._inner(tag)
        return Cell(text, _span(tag, "rowspan"), _span(tag, "colspan"))

    def _inner(self, tag: Tag) -> str:
        """Return what an element of a table holds, a block a line, without the cells in it."""
        if all(type(node) is NavigableString for node in tag.contents):
            return _BLANKS.sub(" ", "".join(map(str, tag.contents))).strip()
        lines = _CellLines()
        walk = _Walk(lines, depth=self.depth + 1)
        walk.run(tag)
        walk.flush()
        return "\n".join(filter(None, map(str.strip, lines.found)))

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
