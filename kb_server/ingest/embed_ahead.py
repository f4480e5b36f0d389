"""Embedding on threads, while the caller reads what comes next and writes what is done."""

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, Protocol, TypeVar

import numpy as np

from kb_server.core.ports import Embedder, Vectors

_PART = 128  # texts: what the progress bar moves by, and what one waits for at most when an ingest is stopped
_PARTS_AT_ONCE = 2  # so that the engine has the next part while it finishes the last texts of this one
_PARTS_LEFT = 4  # for each at once: enough for the engine while the next batch is made, be it a whole book


class PassageBatch(Protocol):
    """Something with texts; they belong to one or several documents."""

    @property
    def texts(self) -> Sequence[str]:
        """What is to be embedded."""
        ...

    def embedded(self, count: int) -> None:
        """Hear that so many more texts have their vector; called from other threads."""
        ...


B = TypeVar("B", bound=PassageBatch)


class EmbedAhead(Generic[B]):
    """Pairs batches with their vectors, in order, and computes the next ones meanwhile.

    So many `parts` of 128 texts are embedded at once, and as many batches wait besides the one that is given out; the
    next is taken when no more than four times as many parts are left. So memory stays level however many batches there
    are, and of large ones only two are there at a time. Everything but embedding happens on the caller's thread:
    batches are taken from `batches` between what is given out.
    """

    def __init__(self, embedder: Embedder, parts: int = _PARTS_AT_ONCE) -> None:
        self._embedder = embedder
        self._parts = max(parts, _PARTS_AT_ONCE)

    def run(self, batches: Iterable[B]) -> Generator[tuple[B, Vectors]]:
        """Yield each batch with float32 [texts, dimension]. Whoever stops early waits for the parts at work only."""
        pool = ThreadPoolExecutor(self._parts, thread_name_prefix="embedding-ahead")
        waiting: deque[tuple[B, list[Future[Vectors]]]] = deque()
        most = _PARTS_LEFT * self._parts
        try:
            for batch in batches:
                waiting.append((batch, self._begin(pool, batch)))
                while len(waiting) > self._parts or (len(waiting) > 1 and _left(waiting) > most):
                    yield self._finished(*waiting.popleft())
                wait(waiting[-1][1][:-most])
            while waiting:
                yield self._finished(*waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, pool: ThreadPoolExecutor, batch: B) -> list[Future[Vectors]]:
        texts = batch.texts
        return [pool.submit(self._embed, batch, texts[start : start + _PART]) for start in range(0, len(texts), _PART)]

    def _embed(self, batch: B, texts: Sequence[str]) -> Vectors:
        vectors = self._embedder.embed_passages(texts)
        batch.embedded(len(texts))
        return vectors

    def _finished(self, batch: B, parts: list[Future[Vectors]]) -> tuple[B, Vectors]:
        nothing = np.empty((0, self._embedder.dimension), np.float32)
        return batch, np.concatenate([nothing, *(part.result() for part in parts)])


def _left(waiting: Iterable[tuple[B, list[Future[Vectors]]]]) -> int:
    """Return how many parts have no vectors yet."""
    return sum(not part.done() for _, parts in waiting for part in parts)
