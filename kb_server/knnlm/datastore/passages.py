"""Which rows of a datastore a part of a chunk's text has."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from kb_server.core.domain import Chunk
from kb_server.knnlm.datastore.store import Active, Datastore

Decode = Callable[[Sequence[int]], str]
Span = tuple[Chunk, int, int]  # characters of the chunk's text, from one to before another


def active_within(store: Datastore, decode: Decode, spans: Iterable[Span]) -> Active:
    """Return the rows whose tokens lie in these parts of chunks, at least by a character."""
    parts = [_within(store, decode, *span) for span in spans]
    rows = np.concatenate([part.rows for part in parts] or [np.empty(0, np.int64)])
    owners = np.concatenate([part.owners for part in parts] or [np.empty(0, np.int64)])
    rows, places = np.unique(rows, return_index=True)
    return Active(rows, owners[places])


def _within(store: Datastore, decode: Decode, chunk: Chunk, start: int, end: int) -> Active:
    whole = store.active([chunk.id])
    if not len(whole.rows):
        return whole
    tokens = store.tokens[whole.rows].tolist()
    document, place = store.place(int(whole.rows[0]))
    since, character = store.beginning(document, place)
    begins = character + len(decode(store.tokens_between(document, since, place))) - chunk.start

    def length(count: int) -> int:
        return begins + len(decode(tokens[:count]))

    counts = range(len(tokens) + 1)
    first = max(0, bisect_right(counts, start, key=length) - 1)
    last = bisect_left(counts, end, key=length)
    return Active(whole.rows[first:last], whole.owners[first:last])
