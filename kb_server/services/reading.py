"""Reading files ahead of what is embedded, a few at a time and in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kb_server.domain import Document
from kb_server.errors import KbError, LoadError, StorageError
from kb_server.services.base_files import BaseFiles, digest_of
from kb_server.services.sources import Source

OnPage = Callable[[Source, int, int], None]


class Load(Protocol):
    """Reads one file; see `loaders.load`. `on_page` is told how many pages are read, and of how many."""

    def __call__(self, path: Path, name: str, on_page: Callable[[int, int], None]) -> Document:
        """Return the document, or raise LoadError."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source: a document and the generated name of its original, an error, or neither: unchanged."""

    source: Source
    digest: str = ""
    file: str = ""
    document: Document | None = None
    error: KbError | None = None


class ReadAhead:
    """Keeps originals and reads them on threads, while the caller deals with those that are done."""

    def __init__(self, load: Load, files: BaseFiles, workers: int, on_page: OnPage) -> None:
        self._load = load
        self._files = files
        self._workers = workers
        self._on_page = on_page

    def run(self, sources: Iterable[Source], known: dict[str, str]) -> Iterator[Outcome]:
        """Yield an outcome for each source, in order; raises StorageError where an original cannot be kept.

        At most two documents for each worker wait, so that memory stays bounded. Whoever stops early does not wait for
        what is at work; closing the loader ends it.
        """
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="reading")
        waiting: deque[Future[Outcome]] = deque()
        try:
            for source in sources:
                waiting.append(pool.submit(self._read, source, known))
                if len(waiting) > 2 * self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=not waiting, cancel_futures=True)

    def _read(self, source: Source, known: dict[str, str]) -> Outcome:
        digest = ""
        try:
            if source.refused:
                raise LoadError(source.refused)
            digest = digest_of(source.path)
            if known.get(source.name) == digest:
                return Outcome(source, digest)
            return self._kept(source)
        except StorageError:
            raise
        except KbError as error:
            return Outcome(source, digest, error=error)

    def _kept(self, source: Source) -> Outcome:
        file, digest = self._files.keep(source.path)
        try:
            document = self._load(
                self._files.original(file),
                source.name,
                on_page=lambda number, total: self._on_page(source, number, total),
            )
        except KbError:
            self._files.discard([file])
            raise
        return Outcome(source, digest, file, document)
