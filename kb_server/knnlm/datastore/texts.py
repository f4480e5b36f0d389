"""From a document's text to tokens, and from tokens to hidden states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kb_server.core.domain import Chunk
from kb_server.core.ports import NextTokenModel, Vectors
from kb_server.knnlm.interpolation import Ints


@dataclass(frozen=True, slots=True)
class Tokenised:
    """A document's tokens, from its first chunk to its last.

    `spans` [n, 2] has the place and the character that each stretch between chunk boundaries starts at; `chunks`
    [n, 3] has id, first place and place behind the last of each chunk.
    """

    ids: list[int]
    spans: Ints
    chunks: Ints


def tokenised(model: NextTokenModel, text: str, chunks: Sequence[Chunk]) -> Tokenised:
    """Encode a text so that chunks begin and end between tokens; overlapping chunks share theirs.

    The space before a word belongs to the word, as in running text. What lies between two chunks is read too, white
    space as the end of the chunk before it.
    """
    bounds = _boundaries(text, chunks)
    starts = [_before_spaces(text, bound) for bound in bounds]
    ids: list[int] = []
    places = {}
    spans = []
    for bound, start, end in zip(bounds, starts, [*starts[1:], *starts[-1:]], strict=True):
        places[bound] = len(ids)
        if start < end:
            spans.append((len(ids), start))
            ids += model.encode(text[start:end])
    ranges = [(chunk.id, places[_at(bounds, chunk.start)], places[_at(bounds, chunk.end)]) for chunk in chunks]
    return Tokenised(ids, np.array(spans, np.int64).reshape(-1, 2), np.array(ranges, np.int64).reshape(-1, 3))


def windows(
    model: NextTokenModel, ids: Sequence[int], window: int, context: int, first: int = 0
) -> Iterator[tuple[list[int], int]]:
    """Yield (ids to read, how many of the last are new), from token `first` on, which must begin a window.

    The model reads up to `window` ids at a time behind what a text starts with, `context` of them for the second time.
    """
    lead = model.lead()
    step = window - context
    for start in range(first, len(ids), step):
        new = list(ids[start : start + step])
        yield [*lead, *ids[max(0, start - context) : start], *new], len(new)


def states(model: NextTokenModel, ids: Sequence[int], window: int, context: int, first: int = 0) -> Iterator[Vectors]:
    """Yield the hidden state before each id, a window at a time: float32 [n, size]."""
    for read, new in windows(model, ids, window, context, first):
        yield model.states(read, new)


def _boundaries(text: str, chunks: Sequence[Chunk]) -> list[int]:
    """Return where chunks begin or end, ascending; an end goes if only white space parts it from the next."""
    bounds = sorted({bound for chunk in chunks for bound in (chunk.start, chunk.end)})
    kept = [a for a, b in pairwise(bounds) if text[a:b].strip()]
    return [*kept, bounds[-1]] if bounds else []


def _at(bounds: Sequence[int], bound: int) -> int:
    """Return the boundary itself, or the next one if it was left out."""
    return next(other for other in bounds if other >= bound)


def _before_spaces(text: str, bound: int) -> int:
    while bound and text[bound - 1] == " ":
        bound -= 1
    return bound
