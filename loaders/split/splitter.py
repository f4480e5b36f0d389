"""Document -> slices that are found, read and cited."""

from collections.abc import Iterator
from itertools import groupby, takewhile

from kb_server.core.domain import Block, BlockKind, Document, Slice
from loaders.split.pieces import Piece, pieces

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
            section = [piece for block in blocks for piece in pieces(document.text, block, self._size)]
            if waiting and not self._may_join(waiting, path, section):
                yield waiting
                waiting = []
            waiting += section
            if _tokens(waiting) * _TINY >= self._size and not _is_heading(waiting[-1]):
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _may_join(self, waiting: list[Piece], path: tuple[str, ...], section: list[Piece]) -> bool:
        """A heading with nothing below it always goes with its first subsection."""
        last = waiting[-1].block.heading_path
        if _is_heading(waiting[-1]) and path[: len(last)] == last:
            return True
        shares_parent = path[: len(last) - 1] == last[:-1] and len(last) > 0
        return shares_parent and _tokens(waiting) + _tokens(section) <= self._size

    def _pack(self, group: list[Piece]) -> Iterator[list[Piece]]:
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
        if packed:
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
    return Slice(start, end, packed[0].block.page, _common_path([piece.block for piece in packed]))


def _common_path(blocks: list[Block]) -> tuple[str, ...]:
    """Return the headings that all the text stands under; where there are only headings, the path of the last."""
    paths = [block.heading_path for block in blocks if block.kind is not BlockKind.HEADING] or [blocks[-1].heading_path]
    shared = takewhile(lambda titles: len(set(titles)) == 1, zip(*set(paths), strict=False))
    return tuple(titles[0] for titles in shared)
