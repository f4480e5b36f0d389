"""Markdown (CommonMark and tables)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.plain.text import read_text

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[^\S\n]*\n(.*?)\n\1[^\S\n]*(?:\n|\Z)", re.DOTALL)
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^>]*>", re.DOTALL)
_INDENT = "  "
_DEEPEST = 200  # beyond it, the parser leaves out what stands there
_MARKS = re.compile(r"(?m)^[>\s+*-]+")


class MarkdownLoader:
    """Reads Markdown: the markup goes, the words stay; front matter is kept as text."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        text = read_text(path, name)
        if front := _FRONT_MATTER.match(text):
            builder.lines(front[2])
            text = text[front.end() :]
        add_markdown(builder, text)
        return builder.build()


def add_markdown(builder: DocumentBuilder, text: str) -> None:
    """Feed Markdown to a builder; what nests deeper than anything people write is taken as plain text."""
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        builder.lines(_MARKS.sub("", text))
    else:
        _Walk(builder).run(tokens)


@dataclass
class _Walk:
    """Goes over the tokens once; a list is collected as a whole, items of nested lists indented."""

    builder: DocumentBuilder
    level: int = 0
    items: list[str] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    in_table: bool = False

    def run(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            match token.type:
                case "inline":
                    self._inline(inline_text(token))
                case "fence" | "code_block":
                    self._flush_items()
                    self.builder.code(token.content)
                case "html_block":
                    self._inline(_TAG.sub(" ", token.content))
                case _:
                    self._structure(token)

    def _inline(self, text: str) -> None:
        if self.in_table:
            self.rows[-1].append(text)
        elif self.level:
            self.builder.heading(self.level, text)
        elif self.numbers:
            self._add_to_item(text)
        else:
            self.builder.paragraph(text)

    def _structure(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._flush_items()
                self.level = int(token.tag[1:])
            case "heading_close":
                self.level = 0
            case "table_open":
                self._flush_items()
                self.in_table = True
            case "tr_open":
                self.rows.append([])
            case "table_close":
                self.builder.table(self.rows, headers=1)
                self.rows, self.in_table = [], False
            case _:
                self._list(token)

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self.numbers.append(None)
            case "ordered_list_open":
                self.numbers.append(int(token.attrGet("start") or 1))
            case "list_item_open":
                self._open_item()
            case "bullet_list_close" | "ordered_list_close":
                self.numbers.pop()
                if not self.numbers:
                    self._flush_items()

    def _open_item(self) -> None:
        number = self.numbers[-1]
        label = "" if number is None else f"{number}. "
        if number is not None:
            self.numbers[-1] = number + 1
        self.items.append(_INDENT * (len(self.numbers) - 1) + label)

    def _add_to_item(self, text: str) -> None:
        """Further paragraphs of an item follow on its line; after code within the list a new line begins."""
        if not self.items:
            self.items.append("")
        glue = "" if not self.items[-1].strip() or self.items[-1].endswith(". ") else " "
        self.items[-1] += glue + text.strip()

    def _flush_items(self) -> None:
        self.builder.items(self.items)
        self.items = []


def inline_text(token: Token) -> str:
    """Return the words of an inline token: link texts and picture descriptions stay, addresses go."""
    return "".join(_inline_parts(token))


def _inline_parts(token: Token) -> Iterator[str]:
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline":
                yield child.content
            case "softbreak" | "hardbreak":
                yield "\n"
            case "image":
                yield inline_text(child)
            case "html_inline" if child.content.lower().startswith("<br"):
                yield " "
