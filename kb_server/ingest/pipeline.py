"""Ingesting: files in, searchable documents out; every step can be repeated, and one bad file costs only itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Protocol

from kb_server.bases.open_base import OpenBase
from kb_server.catalog.bases import Bases
from kb_server.catalog.pending import Pending
from kb_server.core.domain import Document, Slice
from kb_server.core.errors import LoadError
from kb_server.core.ports import Embedder, Splitter, Vectors
from kb_server.ingest.ahead import EmbedAhead, Load, ReadAhead, ReadResult
from kb_server.ingest.containers import Containers, Unpack, names_within
from kb_server.ingest.progress import Meter, OnProgress
from kb_server.ingest.sources import Failure, Gathered, SourceFile, find_sources
from kb_server.runtime.memory import give_back
from kb_server.search.fusion_fit import FusionFitter
from loaders.clean.cleaner import Cleaner


@dataclass(slots=True)
class DocumentBatch:
    """Documents whose rows are written, to be committed together; `size` is in bytes of their files."""

    meter: Meter
    pending: list[Pending] = field(default_factory=list)
    vector_ids: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    size: int = 0
    _embedded: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, pending: Pending, size: int) -> None:
        """Take one more document in."""
        self.pending.append(pending)
        self.vector_ids += pending.vector_ids
        self.texts += pending.texts
        self.size += size

    def embedded(self, count: int) -> None:
        """Show on the progress bar that so many more chunks have their vector."""
        with self._lock:
            self._embedded += count
            self.meter.preview(self.size * self._embedded // len(self.texts))


SplitterFor = Callable[[SourceFile], Splitter]

IsSame = Callable[[Document, Sequence[Slice]], bool]

_CHUNKS_A_COMMIT = 256  # documents are committed in groups: two flushes a document would cost more than embedding it

_GROWTH_FOR_A_NEW_FIT = 2.0

_TURN_SECONDS = 120.0  # how long a part of longer work waits for another writer


@dataclass(frozen=True, slots=True)
class SetAside:
    """Parts of a document that were not indexed: how many, and why."""

    document: str
    reason: str
    blocks: int


@dataclass(slots=True)
class IngestReport:
    """What an ingest did; `chunks` counts those it put into the indexes, `set_aside` what was not fit for that.

    `copies` counts chunks that say no more than another one, which is found at their places too.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    chunks: int = 0
    seconds: float = 0.0
    set_aside: list[SetAside] = field(default_factory=list)
    copies: int = 0


class Bulk(Protocol):
    """Many machines that read and embed for this process."""

    @property
    def processors(self) -> int:
        """How many files may be read at once, and how many parts embedded."""
        ...

    @property
    def load(self) -> Load:
        """Reads one file there."""
        ...

    def embedder(self, local: Embedder, model: str) -> Embedder:
        """Return what embeds there as `local` would."""
        ...


class Ingestion:
    """Ingests files into one knowledge base.

    A pipeline: worker processes read, this thread cleans, splits and writes, threads embed; each stage is a few
    documents ahead of the next and no more, so memory does not grow with the input (docs/decisions/ingest-pipeline.md).
    """

    def __init__(
        self,
        opened: OpenBase,
        bases: Bases,
        embedder: Embedder,
        splitter_for: SplitterFor,
        load: Load,
        cleaner: Cleaner,
        unpack: Unpack,
        workers: int = 1,
        retune: Callable[[], object] = lambda: None,
    ) -> None:
        self._opened = opened
        self._documents = opened.documents
        self._bases = bases
        self._embedder = embedder
        self._splitter_for = splitter_for
        self._cleaner = cleaner
        self._load = load
        self._unpack = unpack
        self._workers = workers
        self._retune = retune

    def run(
        self,
        paths: Iterable[Path],
        on_progress: OnProgress = lambda _: None,
        fetched: Gathered = Gathered(),  # noqa: B008 - it is only read
    ) -> IngestReport:
        """Ingest files, folders and what was fetched from the web; what has the same bytes as before is passed over.

        Raises Busy if another process is writing, StorageError if what was read cannot be kept. Whatever was committed
        before an error, or before the process was stopped, stays, and the same call goes on from there.
        """
        sources, failed = find_sources(paths)
        report = self.take([*sources, *fetched.sources], on_progress)
        report.failed[:0] = [*failed, *fetched.failures]
        return report

    def take(self, sources: Sequence[SourceFile], on_progress: OnProgress = lambda _: None) -> IngestReport:
        """Ingest files under names that are given, as `run` does."""
        started = perf_counter()
        report = IngestReport()
        with self._opened.writing():
            self._opened.catch_up(self._embedder)
            self._ingest(sources, report, Meter(sum(source.size for source in sources), on_progress))
            self._fit_fusion()
            self._retune()
        report.seconds = round(perf_counter() - started, 3)
        return report

    def again(self, gather: Callable[[], Sequence[SourceFile]], is_same: IsSame) -> IngestReport:
        """Ingest originals once more, whose bytes are known; `gather` names them once nobody else writes.

        A document whose chunks come out the same, as `is_same` says, is left as it is: `unchanged`.
        """
        report = IngestReport()
        with self._opened.writing(_TURN_SECONDS):
            self._opened.catch_up(self._embedder)
            sources = gather()
            self._ingest(sources, report, Meter(sum(source.size for source in sources), lambda _: None), is_same)
        return report

    def refit(self) -> None:
        """Fit to the base's text what depends on how it is cut."""
        with self._opened.writing(_TURN_SECONDS):
            self._fit_fusion(anew=True)
            self._retune()

    def _ingest(
        self, sources: Sequence[SourceFile], report: IngestReport, meter: Meter, is_same: IsSame | None = None
    ) -> None:
        batches = self._batches(sources, report, meter, is_same)
        with closing(EmbedAhead[DocumentBatch](self._embedder, self._workers).run(batches)) as ready:
            for batch, vectors in ready:
                self._commit(batch, vectors, report, meter)
                del batch, vectors  # they may be a whole book's, and the next is on its way
                give_back()

    def _batches(
        self, sources: Sequence[SourceFile], report: IngestReport, meter: Meter, is_same: IsSame | None
    ) -> Iterator[DocumentBatch]:
        """Yield documents whose rows are written, some hundred chunks at a time; all others go into the report."""
        known = self._documents.digests()
        batch = DocumentBatch(meter)
        reader = ReadAhead(self._load, self._opened.files, self._workers, meter.page)
        if sources:
            meter.start(sources[0].name)
        with Containers(self._unpack) as containers:
            # Stored originals are members already, and read whatever is known of their bytes.
            members = sources if is_same else self._members(sources, containers, report)
            for outcome in reader.run(members, {} if is_same else known):
                meter.start(outcome.source.name)
                containers.done_with(outcome.source)
                pending = self._begin(outcome, known, report, is_same)
                if pending is None:
                    meter.advance(outcome.source.size)
                    continue
                batch.add(pending, outcome.source.size)
                if len(batch.texts) >= _CHUNKS_A_COMMIT:
                    yield batch
                    batch = DocumentBatch(meter)
        if batch.pending:
            yield batch

    def _members(
        self, sources: Iterable[SourceFile], containers: Containers, report: IngestReport
    ) -> Iterator[SourceFile]:
        """Yield each file, and in place of an archive or mail what it comes to; what it held before and lost goes."""
        within = names_within(self._documents.names())
        for source in sources:
            try:
                members = containers.open(source)
            except LoadError as error:
                self._fail(source, "", str(error), report)
                continue
            if members is None:
                yield source
            else:
                yield from members
                self._forget(within[source.name].difference(member.name for member in members))

    def _forget(self, names: set[str]) -> None:
        if names:
            self._opened.purge(self._documents.remove(names, below=False))

    def _begin(
        self, outcome: ReadResult, known: dict[str, str], report: IngestReport, is_same: IsSame | None
    ) -> Pending | None:
        """Write one document's rows; a file that could not be read goes into the report and the catalog."""
        source = outcome.source
        if outcome.document is None or outcome.kept is None:
            self._pass_over(outcome, report)
            return None
        try:
            cleaned = self._cleaner.clean(outcome.document)
        except LoadError as error:
            self._opened.files.discard([outcome.kept.name])
            self._fail(source, outcome.digest, str(error), report)
            return None
        slices = self._splitter_for(source).split(cleaned.document)
        if is_same and is_same(cleaned.document, slices):
            self._opened.files.discard([outcome.kept.name])
            report.unchanged += 1
            return None
        pending, removed = self._documents.begin(
            outcome.digest, outcome.kept.name, cleaned.document, slices, outcome.kept.size
        )
        self._opened.purge(removed)
        report.copies += len(slices) - len(pending.vector_ids)
        report.set_aside += [SetAside(source.name, reason, count) for reason, count in cleaned.set_aside.items()]
        if source.name in known:
            report.updated += 1
        else:
            report.added += 1
        return pending

    def _pass_over(self, outcome: ReadResult, report: IngestReport) -> None:
        """Count a file that was not read: nothing of it has changed, or it cannot be."""
        if outcome.error is None:
            report.unchanged += 1
        else:
            self._fail(outcome.source, outcome.digest, str(outcome.error), report)

    def _fail(self, source: SourceFile, digest: str, reason: str, report: IngestReport) -> None:
        report.failed.append(Failure(source.shown, reason))
        self._opened.purge(self._documents.fail(source.name, digest, reason))

    def _commit(self, batch: DocumentBatch, vectors: Vectors, report: IngestReport, meter: Meter) -> None:
        self._opened.store.add(batch.vector_ids, vectors)
        self._opened.lexical.add(batch.vector_ids, batch.texts)
        self._opened.publish([item.document_id for item in batch.pending])
        meter.advance(batch.size)
        report.chunks += len(batch.texts)

    def _fit_fusion(self, *, anew: bool = False) -> None:
        """Fit the fusion weights `anew`, or when there are none or the base has doubled or halved since."""
        fusion = self._opened.base.fusion
        count = self._documents.chunks.count()
        fitted = fusion.chunks if fusion else 0
        outgrown = max(count, fitted) >= _GROWTH_FOR_A_NEW_FIT * max(min(count, fitted), 1)
        if count and (fusion is None or outgrown or anew):
            fitter = FusionFitter(self._embedder, self._opened.store, self._opened.lexical, self._opened.chunks)
            self._bases.set_fusion(self._opened.base.id, fitter.fit())
