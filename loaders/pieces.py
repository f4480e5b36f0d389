"""The smallest parts that slices are made of: sentences, list items, table rows, definitions in code."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from kb_server.domain import Block, BlockKind
from kb_server.sentences import sentence_spans
from loaders.code_units import code_units
from loaders.tokens import count_tokens

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

_LINE = re.compile(r"\S[^\n]*")
_CLAUSE_ENDS = ["；", "，", ";", ",", "、", " | ", " ", ""]
_WHOLE_LINES = (BlockKind.LIST, BlockKind.TABLE)
_RUN = 4000
Span = tuple[int, int]


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
    """Cut at commas, at blanks, at last anywhere. The cuts concatenate to the whole, so lengths add up to offsets."""
    splitter = _clause_splitter(size)
    for run in range(start, end, _RUN):
        low = run
        for part in splitter.split_text(body[run : min(run + _RUN, end)]):
            stripped = part.strip()
            if stripped:
                first = low + len(part) - len(part.lstrip())
                yield first, first + len(stripped), count_tokens(stripped)
            low += len(part)


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
