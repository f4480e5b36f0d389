"""Word documents from before 2007."""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.legacy_office.ole import damaged, streams
from loaders.office.locked import Locked

_WORD = 0xA5EC

_ENCRYPTED, _SECOND_TABLE = 0x0100, 0x0200

_LENGTHS = 0x4C  # fibRgLw97.ccpText, then ccpFtn, ccpHdd, a reserved one, ccpAtn, ccpEdn, ccpTxbx

_STYLES, _PARAGRAPHS, _PIECES = 0xA2, 0x102, 0x1A2  # fcStshf, fcPlcfBtePapx, fcClx; each with its length behind

_PAGE = 512

_COMPRESSED = 0x40000000

_IN_TABLE, _ROW_END = 0x2416, 0x2417  # sprmPFInTable, sprmPFTtp

_LONG_OPERAND = 0xD608  # sprmTDefTable: two bytes of length, one more than it has

_OPERAND_SIZES = (1, 1, 2, 4, 2, 2, 0, 3)  # by the three highest bits of a property's code; 0: a byte says it

_HEADINGS = {62: 0} | {level: level for level in range(1, 10)}  # numbers of built-in styles: title, headings


class NotWord(ValueError):
    """The stream is of another version, or damaged."""


class Encrypted(ValueError):
    """The text is enciphered."""


class Paragraph(NamedTuple):
    """`text` with its end mark; `heading` is its level, 0 for the title; `ends_row` for the mark behind a row."""

    text: str
    heading: int | None
    in_table: bool
    ends_row: bool


class _Piece(NamedTuple):
    """Characters from `start` on in the text that lie together at the byte `offset` of the stream."""

    start: int
    end: int
    offset: int
    width: int


def table_stream(word: bytes) -> str:
    """Return the name of the stream that goes with the main one; raises NotWord or Encrypted."""
    if len(word) < 0x400 or _u16(word, 0) != _WORD or _u16(word, 2) < 0x00C1:
        raise NotWord
    flags = _u16(word, 0x0A)
    if flags & _ENCRYPTED:
        raise Encrypted
    return "1Table" if flags & _SECOND_TABLE else "0Table"


def stories(word: bytes, table: bytes) -> list[list[Paragraph]]:
    """Return the main text, footnotes, headers and footers, (nothing), comments, endnotes and text boxes.

    Raises NotWord, or struct.error for offsets that lead out of the file.
    """
    pieces = list(_pieces(word, table))
    headings = _heading_styles(word, table)
    properties = _Properties(word, table)
    text = "".join(_piece_text(word, piece) for piece in pieces)
    ends = list(accumulate(struct.unpack_from("<7i", word, _LENGTHS)))
    found: list[list[Paragraph]] = []
    for start, end in zip([0, *ends], ends, strict=False):
        found.append([])
        for low, high in _paragraph_spans(text, start, end):
            style, flags = properties.at(_offset(pieces, high - 1))
            found[-1].append(Paragraph(text[low:high], headings.get(style), _IN_TABLE in flags, _ROW_END in flags))
    return found


def _pieces(word: bytes, table: bytes) -> Iterator[_Piece]:
    at, end = _span(word, _PIECES)
    while at < end and table[at] == 1:
        at += 3 + _u16(table, at + 1)
    if at >= end or table[at] != 2:
        raise NotWord
    count = (_u32(table, at + 1) - 4) // 12
    starts = struct.unpack_from(f"<{count + 1}I", table, at + 5)
    for index in range(count):
        place = _u32(table, at + 5 + 4 * (count + 1) + 8 * index + 2)
        width = 1 if place & _COMPRESSED else 2
        offset = (place & ~_COMPRESSED) // (2 if width == 1 else 1)
        yield _Piece(starts[index], starts[index + 1], offset, width)


def _piece_text(word: bytes, piece: _Piece) -> str:
    raw = word[piece.offset : piece.offset + (piece.end - piece.start) * piece.width]
    if len(raw) != (piece.end - piece.start) * piece.width:
        raise NotWord
    return raw.decode("cp1252", "replace") if piece.width == 1 else raw.decode("utf-16-le", "replace")


def _paragraph_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    low = start
    for index in range(start, min(end, len(text))):
        if text[index] in "\r\x07\x0c":
            yield low, index + 1
            low = index + 1
    if low < min(end, len(text)):
        yield low, min(end, len(text))


def _offset(pieces: list[_Piece], character: int) -> int:
    piece = pieces[max(bisect_right(pieces, character, key=lambda each: each.start) - 1, 0)]
    return piece.offset + (character - piece.start) * piece.width


class _Properties:
    """Styles of paragraphs, and which are in tables, by where they lie in the stream."""

    def __init__(self, word: bytes, table: bytes) -> None:
        self._starts: list[int] = []
        self._found: list[tuple[int, frozenset[int]]] = []
        at, end = _span(word, _PARAGRAPHS)
        count = (end - at - 4) // 8
        for index in range(count):
            page = (_u32(table, at + 4 * (count + 1) + 4 * index) & 0x3FFFFF) * _PAGE
            self._read_page(word[page : page + _PAGE])

    def at(self, offset: int) -> tuple[int, frozenset[int]]:
        """Return (index of the style, what is said of tables) of the paragraph that holds this byte."""
        index = bisect_right(self._starts, offset) - 1
        return self._found[index] if index >= 0 else (0, frozenset())

    def _read_page(self, page: bytes) -> None:
        count = page[-1]
        for index in range(count):
            place = page[4 * (count + 1) + 13 * index] * 2
            self._starts.append(_u32(page, 4 * index))
            self._found.append(_style_and_flags(page, place) if place else (0, frozenset()))


def _style_and_flags(page: bytes, place: int) -> tuple[int, frozenset[int]]:
    size = 2 * page[place] - 1 if page[place] else 2 * page[place + 1]
    at = place + (1 if page[place] else 2)
    return _u16(page, at), frozenset(_table_flags(page[at + 2 : at + size]))


def _table_flags(properties: bytes) -> Iterator[int]:
    at = 0
    while at + 2 < len(properties):
        code = _u16(properties, at)
        if code in (_IN_TABLE, _ROW_END) and properties[at + 2] == 1:
            yield code
        size = _OPERAND_SIZES[code >> 13] or 1 + properties[at + 2]
        at += 2 + (1 + _u16(properties, at + 2) if code == _LONG_OPERAND else size)


def _heading_styles(word: bytes, table: bytes) -> dict[int, int]:
    """Return the heading level of each style that has one."""
    at, end = _span(word, _STYLES)
    at += 2 + _u16(table, at)
    levels: dict[int, int] = {}
    index = 0
    while at + 2 <= end:
        size = _u16(table, at)
        if size and (_u16(table, at + 2) & 0xFFF) in _HEADINGS:
            levels[index] = _HEADINGS[_u16(table, at + 2) & 0xFFF]
        at += 2 + size + size % 2
        index += 1
    return levels


def _span(word: bytes, place: int) -> tuple[int, int]:
    start = _u32(word, place)
    return start, start + _u32(word, place + 4)


def _u16(data: bytes, at: int) -> int:
    found: int = struct.unpack_from("<H", data, at)[0]
    return found


def _u32(data: bytes, at: int) -> int:
    found: int = struct.unpack_from("<I", data, at)[0]
    return found


_FIELD = re.compile("\x13[^\x13\x14\x15]*(?:\x14([^\x13\x14\x15]*))?\x15")

_CELL_END = "\x07"


class DocLoader:
    """Reads headings, paragraphs and tables, then footnotes, comments, endnotes, text boxes and page headers.

    The file is read directly, without Word or LibreOffice; pictures and the numbers of lists are not.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        try:
            [word] = streams(path, name, "WordDocument")
            [table] = streams(path, name, table_stream(word))
            main, *others = stories(word, table)
        except Encrypted as error:
            raise Locked(name) from error
        except NotWord as error:
            raise LoadError(f"'{name}' is no Word document of 97 or later.", "Save it as .docx.") from error
        except (struct.error, IndexError) as error:
            raise damaged(name) from error
        _Walk(builder).run(main)
        builder.leave(0)
        seen = dict.fromkeys(_shown(paragraph.text) for story in others for paragraph in story)
        for text in seen:
            builder.lines(text)
        return builder.build()


class _Walk:
    """Gathers cells into rows and rows into tables."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._rows: list[list[str]] = []
        self._row: list[str] = []
        self._cell: list[str] = []

    def run(self, paragraphs: Iterable[Paragraph]) -> None:
        for paragraph in paragraphs:
            if paragraph.in_table:
                self._in_table(paragraph)
            else:
                self._flush_table()
                self._text(paragraph)
        self._flush_table()

    def _in_table(self, paragraph: Paragraph) -> None:
        if paragraph.ends_row:
            self._rows.append(self._row)
            self._row = []
            return
        self._cell.append(_shown(paragraph.text))
        if paragraph.text.endswith(_CELL_END):
            self._row.append(" ".join(filter(None, self._cell)))
            self._cell = []

    def _text(self, paragraph: Paragraph) -> None:
        text = _shown(paragraph.text)
        if paragraph.heading is None:
            self._builder.lines(text)
        else:
            self._builder.heading(paragraph.heading, text)

    def _flush_table(self) -> None:
        rows = [*self._rows, *([self._row] if self._row else [])]
        self._rows, self._row, self._cell = [], [], []
        if rows:
            self._builder.table(rows)


def _shown(text: str) -> str:
    """Return the words: of a field its result, without what stands for pictures, notes and optional hyphens."""
    shown = text
    while "\x13" in shown and (cut := _FIELD.sub(r"\1", shown)) != shown:
        shown = cut
    shown = shown.replace("\x0b", "\n").replace("\x1e", "-").replace("\x1f", "")
    return shown.replace("\x07", "").strip()
