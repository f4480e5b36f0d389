"""Reading files ahead of what is embedded, a few at a time and in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from kb_server.bases.files import BaseFiles, digest_of
from kb_server.core.domain import Document
from kb_server.core.errors import KbError, LoadError, StorageError
from kb_server.ingest.sources import SourceFile

OnPage = Callable[[SourceFile, int, int], None]


class Load(Protocol):
    """Reads one file; see `loaders.load`. `on_page` is told how many pages are read, and of how many."""

    def __call__(self, path: Path, name: str, on_page: Callable[[int, int], None]) -> Document:
        """Return the document, or raise LoadError."""
        ...


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What became of a source: a document and the generated name of its original, an error, or neither: unchanged."""

    source: SourceFile
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
        file, digest = self._files.keep(source.path)
        try:
            document = self._load(
                self._files.original(file),
                source.read_as or source.name,
                on_page=lambda number, total: self._on_page(source, number, total),
            )
        except KbError:
            self._files.discard([file])
            raise
        return ReadResult(source, digest, file, replace(document, name=source.name))
