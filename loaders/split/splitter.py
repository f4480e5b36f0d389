"""Document -> slices that are found, read and cited."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise, takewhile
from typing import TYPE_CHECKING, NamedTuple

from kb_server.core.domain import Block, BlockKind, Document, Slice
from kb_server.text.sentences import sentence_spans
from kb_server.text.tokens import count_tokens

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

Span = tuple[int, int]

_INDENTED_LINE = re.compile(r"[^\S\n]*\S[^\n]*")

_CONTINUES = re.compile(r"[})\]]|(?:end|else|elif|except|finally|catch|rescue|then|fi|done|esac|case)\b")

_BELONGS_TO_NEXT = re.compile(r"@|#(?!include)|//|/\*|\*|--|;;|<!--|\[\[?\w")

_DEEPEST = 5


def code_units(body: str, size: int) -> list[Span]:
    """Return (start, end) of stretches of whole lines that together hold all of them.

    A stretch is a definition with the comments and decorators above it, if it has at most `size` tokens; of a larger
    one the parts that are indented within it; at last the lines.
    """
    lines = [line.span() for line in _INDENTED_LINE.finditer(body)]
    return [(_indented(body, start)[1], end) for start, end in _units(body, lines, size, 0)]


def _units(body: str, lines: list[Span], size: int, depth: int) -> Iterator[Span]:
    if not lines:
        return
    base = min(_indent(body, line) for line in lines)
    for first, last in pairwise([0, *_starts(body, lines, base), len(lines)]):
        unit = lines[first:last]
        whole = (unit[0][0], unit[-1][1])
        if len(unit) == 1 or count_tokens(body[slice(*whole)]) <= size:
            yield whole
        elif depth >= _DEEPEST:
            yield from unit
        else:
            head = _head_length(body, unit, base)
            yield from unit[:head]
            yield from _units(body, unit[head:], size, depth + 1)


def _starts(body: str, lines: list[Span], base: int) -> list[int]:
    return [i for i, (before, line) in enumerate(pairwise(lines), 1) if _begins(body, before, line, base)]


def _head_length(body: str, unit: list[Span], base: int) -> int:
    """Count the lines of a definition before the first that is indented; 1 if none is."""
    return next((i for i, line in enumerate(unit) if i and _indent(body, line) > base), 1)


def _begins(body: str, before: Span, line: Span, base: int) -> bool:
    if _indent(body, line) > base or _CONTINUES.match(body, _indented(body, line[0])[1]):
        return False
    return _indent(body, before) > base or not _BELONGS_TO_NEXT.match(body, _indented(body, before[0])[1])


def _indent(body: str, line: Span) -> int:
    return len(body[slice(*_indented(body, line[0]))].expandtabs(4))


def _indented(body: str, start: int) -> Span:
    """Return where a line's blanks begin and end."""
    end = start
    while end < len(body) and body[end] in " \t":
        end += 1
    return start, end


_LINE = re.compile(r"\S[^\n]*")

_CLAUSE_ENDS = ["；", "，", ";", ",", "、", " | ", " ", ""]

_WHOLE_LINES = (BlockKind.LIST, BlockKind.TABLE)

_RUN = 4000


class Piece(NamedTuple):
    """A stretch of the document's text, stripped, of at most the size asked for."""

    start: int
    end: int
    tokens: int
    block: Block


def pieces(text: str, block: Block, size: int) -> Iterator[Piece]:
    """Yield a block's pieces in order; together they hold all of its characters but white space."""
    body = text[block.start : block.end]
    for start, end in _spans(body, block.kind, size):
        for low, high, tokens in _of_size(body, start, end, size):
            yield Piece(block.start + low, block.start + high, tokens, block)


def _spans(body: str, kind: BlockKind, size: int) -> list[Span]:
    if kind is BlockKind.HEADING:
        return [(0, len(body))]
    if kind is BlockKind.CODE:
        return code_units(body, size)
    if kind in _WHOLE_LINES:
        return [line.span() for line in _LINE.finditer(body)]
    return sentence_spans(body)


def _of_size(body: str, start: int, end: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, tokens): the span itself, or what its sentences and clauses come to if it is too long."""
    tokens = count_tokens(body[start:end])
    if tokens <= size:
        yield start, end, tokens
        return
    sentences = sentence_spans(body[start:end])
    if len(sentences) > 1:
        for low, high in _packed(body, start, sentences, size):
            yield from _of_size(body, low, high, size)
        return
    yield from _clauses(body, start, end, size)


def _packed(body: str, offset: int, sentences: list[Span], size: int) -> Iterator[Span]:
    """Join neighbouring sentences of one long line up to the size."""
    begin, end, filled = offset, offset, 0
    for low, high in sentences:
        tokens = count_tokens(body[offset + low : offset + high])
        if filled and filled + tokens > size:
            yield begin, end
            begin, filled = offset + low, 0
        end, filled = offset + high, filled + tokens
    yield begin, end


def _clauses(body: str, start: int, end: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Cut at commas, at blanks, at last anywhere.

    The cuts hold the text in order, but LangChain repeats blanks that count as no token, so lengths are no offsets.
    """
    splitter = _clause_splitter(size)
    for run in range(start, end, _RUN):
        low = run
        for part in splitter.split_text(body[run : min(run + _RUN, end)]):
            stripped = part.strip()
            if stripped:
                first = body.index(stripped, low)
                low = first + len(stripped)
                yield first, low, count_tokens(stripped)


def _clause_splitter(size: int) -> "RecursiveCharacterTextSplitter":
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # slow to import, and seldom needed

    return RecursiveCharacterTextSplitter(
        separators=_CLAUSE_ENDS,
        keep_separator="end",
        strip_whitespace=False,
        chunk_size=size,
        chunk_overlap=0,
        length_function=count_tokens,
    )


_TINY = 4  # a section of less than size / 4 is tiny; headings may add size / 4 to a slice


class SentenceSplitter:
    """Packs whole sentences, list items, table rows and definitions in code into slices of up to `size` tokens.

    Tokens are those of `count_tokens`. A heading begins a slice and stays with the text after it (its own tokens may
    make the slice up to a quarter longer); a slice holds text of one section, save that a tiny section is put before
    the one that follows under the same parent. Where running prose is cut, up to `overlap` tokens of whole sentences
    are repeated.
    """

    def __init__(self, size: int = 200, overlap: int = 30) -> None:
        if size < 1 or not 0 <= overlap < size:
            raise ValueError(f"size must be positive and overlap less than it, not {size} and {overlap}.")
        self._size = size
        self._overlap = overlap

    def split(self, document: Document) -> list[Slice]:
        """See `Splitter.split`; takes linear time."""
        slices: list[Slice] = []
        for group in self._groups(document):
            slices += [_slice(packed) for packed in self._pack(group)]
        return slices

    def _groups(self, document: Document) -> Iterator[list[Piece]]:
        """Yield the pieces of each section, tiny ones joined to the next where that stands under the same parent."""
        waiting: list[Piece] = []
        for path, blocks in groupby(document.blocks, key=lambda block: block.heading_path):
            section = self._pieces(document.text, blocks)
            if waiting and not self._may_join(waiting, path, section):
                yield waiting
                waiting = []
            waiting += section
            if _tokens(waiting) * _TINY >= self._size and not _is_heading(waiting[-1]):
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _pieces(self, text: str, blocks: Iterable[Block]) -> list[Piece]:
        return [piece for block in blocks for piece in pieces(text, block, self._size)]

    def _may_join(self, waiting: list[Piece], path: tuple[str, ...], section: list[Piece]) -> bool:
        """A heading with nothing below it always goes with its first subsection."""
        last = waiting[-1].block.heading_path
        if _is_heading(waiting[-1]) and path[: len(last)] == last:
            return True
        shares_parent = path[: len(last) - 1] == last[:-1] and len(last) > 0
        return shares_parent and _tokens(waiting) + _tokens(section) <= self._size

    def _pack(self, group: list[Piece]) -> Iterator[list[Piece]]:
        """Yield the pieces of each slice; a group has at least one."""
        packed: list[Piece] = []
        for piece in group:
            if packed and not self._fits(packed, piece):
                headings = _headings_at_end(packed)
                text = packed[: len(packed) - len(headings)]
                if text:
                    yield text
                packed = headings or self._repeated(packed, piece)
                if headings and not self._fits(headings, piece):
                    yield headings
                    packed = []
            packed.append(piece)
        yield packed

    def _fits(self, packed: list[Piece], piece: Piece) -> bool:
        total = _tokens(packed) + piece.tokens
        headings = sum(each.tokens for each in [*packed, piece] if _is_heading(each))
        return total - min(headings, self._size // _TINY) <= self._size

    def _repeated(self, packed: list[Piece], following: Piece) -> list[Piece]:
        """Return the last sentences before the cut, if it goes through a paragraph; never all that was packed."""
        if following.block.kind is not BlockKind.PARAGRAPH:
            return []
        kept: list[Piece] = []
        room = min(self._overlap, self._size - following.tokens)
        for piece in takewhile(lambda each: each.block is following.block, reversed(packed[1:])):
            room -= piece.tokens
            if room < 0:
                break
            kept.append(piece)
        return kept[::-1]


def _tokens(packed: list[Piece]) -> int:
    return sum(piece.tokens for piece in packed)


def _is_heading(piece: Piece) -> bool:
    return piece.block.kind is BlockKind.HEADING


def _headings_at_end(packed: list[Piece]) -> list[Piece]:
    count = sum(1 for _ in takewhile(_is_heading, reversed(packed)))
    return packed[len(packed) - count :]


def _slice(packed: list[Piece]) -> Slice:
    start, end = packed[0].start, packed[-1].end
    return Slice(
        start=start, end=end, page=packed[0].block.page, heading_path=_common_path([piece.block for piece in packed])
    )


def _common_path(blocks: list[Block]) -> tuple[str, ...]:
    """Return the headings that all the text stands under; where there are only headings, the path of the last."""
    paths = [block.heading_path for block in blocks if block.kind is not BlockKind.HEADING] or [blocks[-1].heading_path]
    shared = takewhile(lambda titles: len(set(titles)) == 1, zip(*set(paths), strict=False))
    return tuple(titles[0] for titles in shared)
