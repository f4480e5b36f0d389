"""Puts a Document together from what a loader finds, in reading order."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from kb_server.core.domain import Block, BlockKind, Document
from kb_server.text.characters import clean, squeeze, unwrap
from loaders.table import Cell, write

_GAP = "\n\n"


class DocumentBuilder:
    """Collects blocks; `build` joins them with an empty line between and notes where each one lies.

    Text is cleaned on its way in, and what is left empty makes no block. `page` counts from 1.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._headings: list[tuple[int, str]] = []
        self._missing: Counter[str] = Counter()

    def heading(self, level: int, text: str, page: int | None = None) -> None:
        """Add a heading on one line; it stands under the last heading of a lower level (0 is a title)."""
        title = squeeze(unwrap(clean(text)))
        if not title:
            return
        self.leave(level)
        self._headings.append((level, title))
        self._add(BlockKind.HEADING, title, page)

    def leave(self, level: int) -> None:
        """End the sections of this level and below: what follows stands beside them."""
        self._headings = [heading for heading in self._headings if heading[0] < level]

    def paragraph(self, text: str, page: int | None = None) -> None:
        """Add running text; its line breaks are wraps and vanish."""
        self._add(BlockKind.PARAGRAPH, squeeze(unwrap(clean(text))), page)

    def lines(self, text: str, page: int | None = None) -> None:
        """Add text whose line breaks mean something: an address, a poem, a log."""
        self._add(BlockKind.PARAGRAPH, _each_line(clean(text).split("\n")), page)

    def items(self, items: Iterable[str], page: int | None = None) -> None:
        """Add a list, an item a line. Leading blanks of an item stay: they show that it is nested."""
        self._add(BlockKind.LIST, "\n".join(filter(None, map(_item, items))), page)

    def table(
        self,
        rows: Sequence[Sequence[Cell | str]],
        page: int | None = None,
        headers: int | None = None,
        *,
        records: bool = False,
    ) -> None:
        """Add a table, a row a line, its title above it; see `loaders.table.write` for `headers` and `records`."""
        written = write(rows, headers, records=records)
        self._add(BlockKind.PARAGRAPH, "\n".join(written.titles), page)
        self._add(BlockKind.TABLE, "\n".join(written.lines), page)

    def code(self, text: str, page: int | None = None) -> None:
        """Add text that keeps its lines and their indentation."""
        kept = "\n".join(line.rstrip() for line in textwrap.dedent(clean(text)).split("\n"))
        self._add(BlockKind.CODE, kept, page)

    def picture(self, text: str, page: int | None = None) -> None:
        """Add text that was read in a picture, a paragraph a line."""
        self._add(BlockKind.IMAGE, _each_line(clean(text).split("\n")), page)

    def include(self, document: Document, page: int | None = None) -> None:
        """Add the blocks of a document that lies within this one, under the headings that stand here."""
        for block in document.blocks:
            kind = BlockKind.PARAGRAPH if block.kind is BlockKind.HEADING else block.kind
            self._add(kind, document.text[block.start : block.end], page)
        self._missing.update(document.set_aside)

    def missing(self, what: str, count: int = 1) -> None:
        """Note that parts of the file could not be read: what they are, and why."""
        self._missing[what] += count

    def build(self, pages: int | None = None) -> Document:
        """Return the document made of all that was added."""
        return Document(
            name=self._name,
            text=_GAP.join(self._parts),
            blocks=tuple(self._blocks),
            pages=pages,
            set_aside=dict(self._missing),
        )

    def _add(self, kind: BlockKind, text: str, page: int | None) -> None:
        text = text.strip()
        if not text:
            return
        start = self._length + (len(_GAP) if self._parts else 0)
        self._length = start + len(text)
        path = tuple(title for _, title in self._headings)
        self._parts.append(text)
        self._blocks.append(Block(kind=kind, start=start, end=self._length, page=page, heading_path=path))


def _each_line(lines: Iterable[str]) -> str:
    return "\n".join(filter(None, map(squeeze, lines)))


def _item(text: str) -> str:
    cleaned = clean(text)
    body = squeeze(unwrap(cleaned))
    depth = len(cleaned) - len(cleaned.lstrip(" "))
    return " " * depth + body if body else ""
