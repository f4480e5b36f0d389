"""Cutting a base's documents again from their stored originals, while it answers."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

from kb_server.bases.open_base import OpenBase
from kb_server.catalog.bases import Bases
from kb_server.catalog.documents import Documents
from kb_server.core.domain import Document, DocumentState, Slice, Splitting, StoredDocument
from kb_server.ingest.pipeline import Ingestion
from kb_server.ingest.sources import Failure, SourceFile
from kb_server.runtime.once import made_once

OnDone = Callable[[int, int], None]  # documents done, of how many

_DOCUMENTS_AT_ONCE = 32  # others may write in between
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A document that keeps its chunks, because a person has reworded or disabled so many of them."""

    document: str
    edited: int
    disabled: int


@dataclass(slots=True)
class RecutReport:
    """What came of it: documents cut again, those whose chunks came out the same, and those that stay as they were."""

    documents: int = 0
    unchanged: int = 0
    left: list[LeftAlone] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    chunks: int = 0
    seconds: float = 0.0


class Recutter:
    """Cuts the documents of one base again. `ingestion` has the splitter that they get.

    Each document goes over in one step: its old chunks answer until the new ones are indexed. Stopped at any point,
    the same call goes on from there: what is cut as it should be is read again, and not embedded again.
    """

    def __init__(self, opened: OpenBase, bases: Bases, ingestion: Ingestion) -> None:
        self._opened = opened
        self._bases = bases
        self._ingestion = ingestion

    def run(self, splitting: Splitting, *, drop_edits: bool = False, on_done: OnDone = lambda *_: None) -> RecutReport:
        """Cut all indexed documents as `splitting` says, and those that come later too.

        A person's wordings and disabled chunks belong to the old cut: a document that has any keeps its chunks, unless
        `drop_edits`, which lets go of them. A document that cannot be read keeps its chunks, with the reason.
        """
        started = perf_counter()
        report = RecutReport()
        self._bases.set_splitting(self._opened.base.id, splitting)
        rows = self._opened.documents
        todo = list(dict.fromkeys(one.name for one in rows.all() if one.state is not DocumentState.FAILED))
        for start in range(0, len(todo), _DOCUMENTS_AT_ONCE):
            part = todo[start : start + _DOCUMENTS_AT_ONCE]
            self._cut(part, drop_edits, report)
            on_done(start + len(part), len(todo))
        self._ingestion.refit()  # also after a run that was stopped just before this
        report.chunks = rows.chunks.count()
        report.seconds = round(perf_counter() - started, 3)
        return report

    def _cut(self, names: Collection[str], drop_edits: bool, report: RecutReport) -> None:
        rows = self._opened.documents
        left: list[LeftAlone] = []

        def gather() -> list[SourceFile]:
            there = [one for one in _indexed(rows) if one.name in names]
            marked = {} if drop_edits else rows.chunks.marked()
            left.extend(LeftAlone(one.name, *marked[one.id]) for one in there if one.id in marked)
            return [self._source(document) for document in there if document.id not in marked]

        done = self._ingestion.again(gather, _SameCut(rows))
        report.left += left
        report.documents += done.updated
        report.unchanged += done.unchanged
        report.failed += done.failed

    def _source(self, document: StoredDocument) -> SourceFile:
        path = self._opened.files.original(document.file)
        size = path.stat().st_size if path.exists() else 0
        return SourceFile(path, document.name, size, origin=document.name)


def recut_json(report: RecutReport) -> dict[str, Any]:
    """Return a report as programs get it, with the first of the documents that were left or failed."""
    values = asdict(report)
    return {**values, "left": values["left"][:_SHOWN], "failed": values["failed"][:_SHOWN]}


class _SameCut:
    """Tells whether a document would get the chunks that it has."""

    def __init__(self, rows: Documents) -> None:
        self._rows = rows

    @made_once
    def _ids(self) -> dict[str, int]:
        """Documents by name, as they are once nobody else writes."""
        return {one.name: one.id for one in _indexed(self._rows)}

    def __call__(self, document: Document, slices: Sequence[Slice]) -> bool:
        id_ = self._ids.get(document.name)
        if id_ is None or self._rows.text(document.name) != document.text:
            return False
        stored = [(one.start, one.end, one.page, one.heading_path) for one in self._rows.chunks.of_document(id_)]
        return sorted(stored, key=repr) == sorted(((s.start, s.end, s.page, s.heading_path) for s in slices), key=repr)


def _indexed(rows: Documents) -> list[StoredDocument]:
    return [one for one in rows.all() if one.state is DocumentState.INDEXED]
