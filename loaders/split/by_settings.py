"""The splitter that a base or a folder asks for."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from kb_server.core.domain import Block, BlockKind, Document, Slice, SplitBy, Splitting
from kb_server.core.ports import Splitter
from kb_server.text.tokens import count_tokens
from loaders.split.splitter import SentenceSplitter

_LINE = re.compile(r"\S[^\n]*")


class RowSplitter:
    """Makes a slice of each row of a table, so that a question finds its own answer; other text goes by sentences."""

    def __init__(self, sentences: SentenceSplitter) -> None:
        self._sentences = sentences

    def split(self, document: Document) -> list[Slice]:
        """See `Splitter.split`."""
        blocks = [part for block in document.blocks for part in _rows(document.text, block)]
        slices: list[Slice] = []
        others: list[Block] = []
        for block in blocks:
            if block.kind is BlockKind.TABLE:
                slices += self._part(document, others) + self._part(document, [block])
                others = []
            else:
                others.append(block)
        return slices + self._part(document, others)

    def _part(self, document: Document, blocks: list[Block]) -> list[Slice]:
        return self._sentences.split(replace(document, blocks=tuple(blocks))) if blocks else []


class RecordSplitter:
    """Begins a slice at each line that starts with `delimiter`; a record longer than `size` is cut at its sentences."""

    def __init__(self, sentences: SentenceSplitter, size: int, delimiter: str) -> None:
        self._sentences = sentences
        self._size = size
        self._begins = re.compile(rf"^[^\S\n]*{re.escape(delimiter)}", re.MULTILINE)

    def split(self, document: Document) -> list[Slice]:
        """See `Splitter.split`."""
        if not document.blocks:
            return []
        text = document.text
        starts = sorted({0, *(found.start() for found in self._begins.finditer(text))})
        slices: list[Slice] = []
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            slices += self._record(document, start, end)
        return slices

    def _record(self, document: Document, start: int, end: int) -> list[Slice]:
        record = document.text[start:end]
        if not record.strip():
            return []
        low, high = start + len(record) - len(record.lstrip()), start + len(record.rstrip())
        if count_tokens(record) <= self._size:
            block = _block_at(document, low)
            return [Slice(start=low, end=high, page=block.page, heading_path=block.heading_path)]
        clipped = (
            replace(block, start=max(block.start, low), end=min(block.end, high))
            for block in document.blocks
            if block.start < high and block.end > low
        )
        return self._sentences.split(replace(document, blocks=tuple(clipped)))


def _rows(text: str, block: Block) -> Iterator[Block]:
    if block.kind is not BlockKind.TABLE:
        yield block
        return
    for line in _LINE.finditer(text, block.start, block.end):
        yield replace(block, start=line.start(), end=line.end())


def _block_at(document: Document, offset: int) -> Block:
    index = bisect_right(document.blocks, offset, key=lambda block: block.start) - 1
    return document.blocks[max(index, 0)]


def make_splitter(splitting: Splitting) -> Splitter:
    """Return the splitter; raises ValueError where the overlap is not less than the size."""
    sentences = SentenceSplitter(splitting.size, splitting.overlap)
    match splitting.by:
        case SplitBy.SENTENCES:
            return sentences
        case SplitBy.ROWS:
            return RowSplitter(sentences)
        case SplitBy.DELIMITER:
            return RecordSplitter(sentences, splitting.size, splitting.delimiter)
