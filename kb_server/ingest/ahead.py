"""Files read, and passages embedded, ahead of what is written: a few at a time and in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from kb_server.bases.files import BaseFiles, KeptOriginal, digest_of
from kb_server.core.domain import Document
from kb_server.core.errors import KbError, LoadError, StorageError
from kb_server.core.ports import Embedder, Vectors
from kb_server.ingest.sources import SourceFile

OnPage = Callable[[SourceFile, int, int], None]


class Load(Protocol):
    """Reads one file; see `loaders.load`. `on_page` is told how many pages are read, and of how many."""

    def __call__(self, path: Path, name: str, on_page: Callable[[int, int], None]) -> Document:
        """Return the document, or raise LoadError."""
        ...


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What became of a source: a document and its original, an error, or neither: unchanged."""

    source: SourceFile
    digest: str = ""
    kept: KeptOriginal | None = None
    document: Document | None = None
    error: KbError | None = None


class ReadAhead:
    """Keeps originals and reads them on threads, while the caller deals with those that are done."""

    def __init__(self, load: Load, files: BaseFiles, workers: int, on_page: OnPage) -> None:
        self._load = load
        self._files = files
        self._workers = workers
        self._on_page = on_page

    def run(self, sources: Iterable[SourceFile], known: dict[str, str]) -> Iterator[ReadResult]:
        """Yield an outcome for each source, in order; raises StorageError where an original cannot be kept.

        At most two documents for each worker wait, so that memory stays bounded. Whoever stops early does not wait for
        what is at work; closing the loader ends it.
        """
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="reading")
        waiting: deque[Future[ReadResult]] = deque()
        done = False
        try:
            for source in sources:
                waiting.append(pool.submit(self._read, source, known))
                if len(waiting) > 2 * self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            done = True
        finally:
            pool.shutdown(wait=done, cancel_futures=True)

    def _read(self, source: SourceFile, known: dict[str, str]) -> ReadResult:
        digest = ""
        try:
            if source.refused:
                raise LoadError(source.refused)
            digest = digest_of(source.path)
            if known.get(source.name) == digest:
                return ReadResult(source, digest)
            return self._kept(source)
        except StorageError:
            raise
        except KbError as error:
            return ReadResult(source, digest, error=error)

    def _kept(self, source: SourceFile) -> ReadResult:
        kept = self._files.keep(source.path)
        try:
            document = self._load(
                self._files.original(kept.name),
                source.read_as or source.name,
                on_page=lambda number, total: self._on_page(source, number, total),
            )
        except KbError:
            self._files.discard([kept.name])
            raise
        return ReadResult(source, kept.sha256, kept, replace(document, name=source.name))


_PART = 128  # texts: what the progress bar moves by, and what one waits for at most when an ingest is stopped

_PARTS_AT_ONCE = 2  # so that the engine has the next part while it finishes the last texts of this one

_PARTS_LEFT = 4  # for each at once: enough for the engine while the next batch is made, even of a whole book


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
