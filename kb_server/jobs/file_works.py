"""The work of jobs that are made of files: uploads, and pages of the web."""

from collections.abc import Callable, Sequence

from kb_server.bases.quotas import Quota
from kb_server.catalog.jobs import FileState, Job, JobFile, Jobs
from kb_server.core.errors import TooLarge
from kb_server.ingest.pipeline import Ingestion
from kb_server.ingest.sources import Failure, SourceFile
from kb_server.ingest.uploads import UploadFolder
from kb_server.ingest.web.crawler import Crawler
from kb_server.ingest.web.sources import fetch_sources
from kb_server.jobs.runner import JobControl

_FILES_A_STEP = 16  # between steps a job can be cancelled, and others may write to the base
_PAUSE_SECONDS = 0.1  # between steps: longer than others, who wait to write to the base, take to look again


class IngestWork:
    """Ingests what was uploaded. Files that failed stay where they are, so that they can be tried again."""

    def __init__(self, rows: Jobs, uploads: UploadFolder, ingestion: Callable[[str], Ingestion]) -> None:
        self._rows = rows
        self._uploads = uploads
        self._ingestion = ingestion

    def __call__(self, job: Job, steering: JobControl) -> None:
        """Do a job, some files at a time."""
        while files := self._rows.waiting(job.id, _FILES_A_STEP):
            steering.check()
            self._ingest(job, files)
            steering.pause(_PAUSE_SECONDS)

    def _ingest(self, job: Job, files: Sequence[JobFile]) -> None:
        sources = [SourceFile(self._uploads.file(job.id, file.file), file.name, file.size) for file in files]
        report = self._ingestion(job.base).take(sources)
        outcomes = [_outcome(file, source, report.failed) for file, source in zip(files, sources, strict=True)]
        self._rows.settle(job.id, outcomes)
        for file, state, _ in outcomes:
            if state is FileState.DONE:
                self._uploads.discard_file(job.id, file)


class FetchWork:
    """Fetches pages of the web and ingests them, one address after the other."""

    def __init__(
        self,
        rows: Jobs,
        uploads: UploadFolder,
        ingestion: Callable[[str], Ingestion],
        crawler: Callable[[], Crawler],
        room: Callable[[str], Quota],
    ) -> None:
        self._rows = rows
        self._uploads = uploads
        self._ingestion = ingestion
        self._crawler = crawler
        self._room = room

    def __call__(self, job: Job, steering: JobControl) -> None:
        """Do a job, an address at a time."""
        depth = int((job.request or {})["depth"])
        while files := self._rows.waiting(job.id, 1):
            steering.check()
            self._fetch(job, files[0], depth)

    def _fetch(self, job: Job, file: JobFile, depth: int) -> None:
        folder = self._uploads.part(job.id)
        try:
            fetched = fetch_sources([file.name], self._crawler(), depth, folder)
            found = fetched.sources
            self._room(job.base).check([source.name for source in found], sum(source.size for source in found))
            report = self._ingestion(job.base).run([], fetched=fetched)
        except TooLarge as error:
            self._rows.settle(job.id, [(file.file, FileState.FAILED, str(error))])
            return
        finally:
            self._uploads.discard_part(folder)
        reasons = {failure.path: failure.reason for failure in report.failed}
        if file.name in reasons or not fetched.sources:
            reason = reasons.get(file.name, "There is no page at this address.")
            self._rows.settle(job.id, [(file.file, FileState.FAILED, reason)])
            return
        note = f"{len(reasons)} of the pages could not be read. {_first(reasons)}" if reasons else None
        self._rows.settle(job.id, [(file.file, FileState.DONE, note)])


def _outcome(file: JobFile, source: SourceFile, failed: Sequence[Failure]) -> tuple[str, FileState, str | None]:
    """Return what became of a file; an archive of which some members failed is done, and says so."""
    reasons = {failure.path: failure.reason for failure in failed}
    if source.shown in reasons:
        return file.file, FileState.FAILED, reasons[source.shown]
    inside = {
        path.removeprefix(f"{source.shown}/"): reason
        for path, reason in reasons.items()
        if path.startswith(f"{source.shown}/")
    }
    note = f"{len(inside)} of the files in it could not be read. {_first(inside)}" if inside else None
    return file.file, FileState.DONE, note


def _first(reasons: dict[str, str]) -> str:
    path, reason = next(iter(reasons.items()))
    return f"{path}: {reason}"
