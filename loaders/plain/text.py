"""Plain text."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from kb_server.text.characters import clean, joins_without_space
from loaders.builder import DocumentBuilder
from loaders.decode.decoder import Undecodable, decode
from loaders.source import read_bytes

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_ITEM = re.compile(r"\s*(?:[-*+•●◦▪·]|\(?\d{1,3}[.)、]|[（(][一二三四五六七八九十]+[）)])\s*(?=\S)")
_HEADING = re.compile(
    r"第[\d〇零一二三四五六七八九十百千两]{1,8}([部编編篇卷章节節])(?:$|[\s:：、].{0,40}|[^，。！？；,.!?;的]{0,24})"
    r"|(BOOK|PART|CHAPTER|SECTION)\s+(?:[IVXLC]+|\d+)\b.{0,60}"
)
_HEADING_LEVELS = {"部": 1, "编": 1, "編": 1, "篇": 1, "卷": 1, "章": 2, "节": 3, "節": 3}
_ENGLISH_LEVELS = {"BOOK": 1, "PART": 1, "CHAPTER": 2, "SECTION": 3}
_WIDTHS = range(40, 131)  # of hard-wrapped lines, in columns
_SLACK = 6


class TextLoader:
    """Reads text files: paragraphs stand between blank lines, and wrapped lines are joined where they look wrapped."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        add_text(builder, read_text(path, name))
        return builder.build()


def read_text(path: Path, name: str, declared: str | None = None) -> str:
    """Return a file's text, cleaned; raises LoadError for binary data."""
    try:
        return clean(decode(read_bytes(path, name), declared))
    except Undecodable as error:
        raise LoadError(f"'{name}' is not text in any known encoding.", "Save it as UTF-8.") from error


def add_text(builder: DocumentBuilder, text: str) -> None:
    """Feed plain text to a builder: headings of books, lists, wrapped paragraphs, and lines that stay."""
    paragraphs = [part.strip("\n") for part in _BLANK_LINES.split(text) if part.strip()]
    width = _wrap_width(paragraphs)
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        if len(lines) == 1 and (level := _heading_level(paragraph.strip())):
            builder.heading(level, paragraph)
        elif items := _items(lines):
            builder.items(items)
        elif _is_wrapped(lines, width):
            builder.paragraph(paragraph)
        else:
            builder.lines(paragraph)


def _heading_level(line: str) -> int | None:
    found = _HEADING.fullmatch(line)
    if found is None:
        return None
    return _HEADING_LEVELS[found[1]] if found[1] else _ENGLISH_LEVELS[found[2]]


def _items(lines: list[str]) -> list[str]:
    """Join each indented line to the item before it; nothing if some line is neither, or there is one line only."""
    if len(lines) < 2 or not _ITEM.match(lines[0]):
        return []
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line):
            items.append(line)
        elif line[0].isspace():
            items[-1] += "\n" + line.strip()
        else:
            return []
    return items


def _wrap_width(paragraphs: list[str]) -> int:
    """Return the column where nearly all lines of this text end at the latest; 0 if it is not wrapped at all."""
    widths = sorted(_width(line) for paragraph in paragraphs for line in paragraph.split("\n")[:-1])
    if not widths:
        return 0
    width = widths[len(widths) * 9 // 10]
    return width if width in _WIDTHS else 0


def _is_wrapped(lines: list[str], width: int) -> bool:
    """Tell whether nearly every line ends where the next line's first word had no more room; a width of 0 is none."""
    breaks = [_had_no_room(line, after, width) for line, after in pairwise(lines)] if width else []
    return sum(breaks) >= 0.8 * len(breaks) if breaks else False


def _had_no_room(line: str, after: str, width: int) -> bool:
    return _width(line) + 1 + _width(_first_word(after)) > width - _SLACK


def _first_word(line: str) -> str:
    word = next(iter(line.split()), "")
    return word[:1] if word and joins_without_space(word[0]) else word


def _width(line: str) -> int:
    """Columns on a screen, where CJK characters take two."""
    return len(line.rstrip()) + sum(_wide(line))


def _wide(line: str) -> Iterator[bool]:
    return (joins_without_space(character) for character in line if character > "\u2e7f")
