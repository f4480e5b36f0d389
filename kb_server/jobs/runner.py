"""Doing what jobs ask for, whatever happens to the process meanwhile."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event
from time import monotonic
from typing import Any

from filelock import Timeout

from kb_server.bases.quotas import Quota
from kb_server.catalog.jobs import UNFINISHED, FileState, Job, JobFile, JobKind, Jobs, JobState
from kb_server.core.errors import (
    Busy,
    Interrupted,
    KbError,
    NotFound,
    StorageError,
    StorageFull,
    StoreUnavailable,
    TooLarge,
)
from kb_server.ingest.pipeline import Ingestion
from kb_server.ingest.sources import Failure, SourceFile
from kb_server.ingest.uploads import UploadFolder
from kb_server.ingest.web.crawler import Crawler
from kb_server.ingest.web.sources import fetch_sources
from kb_server.runtime.logs import described

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.3

_RETRY_SECONDS = 5.0

_TELL_SECONDS = 0.5

_PASSING = (Busy, StorageFull, StoreUnavailable)  # another writer, a full disk, a server that is away

_OF_FILES = (JobKind.INGEST, JobKind.FETCH)  # acknowledged uploads are never given up

_KEPT_JOBS = 10  # whose failed files are kept, to be tried again


class JobControl:
    """What the work of a job tells, and is told: how far it is, and whether to go on."""

    def __init__(self, rows: Jobs, id_: str, stop: Event) -> None:
        self._rows = rows
        self._id = id_
        self._stop = stop
        self._told = float("-inf")

    def check(self) -> None:
        """Raise Interrupted if the job is to be stopped or the process ends."""
        if self._stop.is_set() or self._rows.find(self._id).state is not JobState.RUNNING:
            raise Interrupted("The job was stopped.")

    def progress(self, done: int, total: int) -> None:
        """Tell how far the job is; raises as `check` does."""
        now = monotonic()
        if now - self._told >= _TELL_SECONDS or done >= total:
            self._told = now
            self._rows.progress(self._id, done, total)
            self.check()

    def pause(self, seconds: float) -> None:
        """Let others have their turn."""
        self._stop.wait(seconds)


Work = Callable[[Job, JobControl], Mapping[str, Any] | None]

"""Does what a job asks for, and returns what came of it. It may be stopped at any point and is then begun again."""


class JobRunner:
    """Runs jobs, each thread one at a time. Several processes may each have a runner; a lock gives a job to one.

    `error_text` says what the owner of a job may read of an error.
    """

    def __init__(
        self,
        rows: Jobs,
        uploads: UploadFolder,
        works: Mapping[JobKind, Work],
        error_text: Callable[[KbError], str] = str,
    ) -> None:
        self._rows = rows
        self._uploads = uploads
        self._works = works
        self._error_text = error_text

    def run_until(self, stop: Event, kinds: Collection[JobKind] = tuple(JobKind)) -> None:
        """Run jobs as they come until `stop` is set; a job at hand is left at its next step, to be gone on with."""
        self._uploads.sweep(self._known)
        while not stop.is_set():
            if not self.run_next(stop, kinds):
                stop.wait(_POLL_SECONDS)

    def run_next(self, stop: Event, kinds: Collection[JobKind] = tuple(JobKind)) -> bool:
        """Run the oldest job that nobody else runs and that need not wait; returns False if there was none."""
        for job in self._rows.unfinished(kinds):
            try:
                with self._uploads.lock(job.id).acquire(blocking=False):
                    if self._run(job.id, stop):
                        return True
            except (Timeout, FileNotFoundError, NotFound):  # another runner has it, or its base is gone
                continue
        return False

    def _run(self, id_: str, stop: Event) -> bool:
        """Run a job; returns False if it has to wait for something, so that others go before it."""
        self._rows.move(id_, JobState.RUNNING, (JobState.QUEUED, JobState.RUNNING))
        job = self._rows.find(id_)
        if job.state not in UNFINISHED:  # another runner was quicker
            return False
        try:
            if job.state is JobState.RUNNING:
                self._work(job, stop)
        except Interrupted:
            if stop.is_set():
                return True
        except NotFound:
            raise
        except Exception as error:  # noqa: BLE001 - the edge of a job: it waits or fails, the others go on
            return self._broken(job, error, stop)
        self._end(id_)
        return True

    def _work(self, job: Job, stop: Event) -> None:
        result = self._works[job.kind](job, JobControl(self._rows, job.id, stop))
        if result is not None:
            self._rows.keep_result(job.id, result)

    def _broken(self, job: Job, error: Exception, stop: Event) -> bool:
        """Let a job wait for what passes, or fail; returns whether it is over."""
        if isinstance(error, StorageError) and (isinstance(error, _PASSING) or job.kind in _OF_FILES):
            logger.warning("a job waits", extra={"job": job.id, "code": error.code, "reason": str(error)})
            self._rows.move(job.id, JobState.RUNNING, (JobState.RUNNING,), self._error_text(error))
            stop.wait(_RETRY_SECONDS)
            return False
        if isinstance(error, KbError):
            return self._fail(job.id, self._error_text(error))
        logger.error("a job broke", extra={"job": job.id, **described(error)})
        return self._fail(job.id, "An error of the program; the log of the service has it.")

    def _fail(self, id_: str, reason: str) -> bool:
        logger.warning("a job failed", extra={"job": id_})
        self._rows.move(id_, JobState.FAILED, UNFINISHED, reason)
        return True

    def _end(self, id_: str) -> None:
        """Close a job that is through or was cancelled. Files that failed are kept for a while.

        The folder with the lock goes last: as long as there is work, nobody else can hold another lock of that name.
        """
        keeps = self._uploads.has_files(id_) and self._rows.find(id_).state is JobState.RUNNING
        self._rows.move(id_, JobState.DONE, (JobState.RUNNING,))
        self._rows.move(id_, JobState.CANCELLED, (JobState.CANCELLING,))
        if keeps:
            self._forget_old()
        else:
            self._uploads.discard(id_)

    def _forget_old(self) -> None:
        kept = {job.id for job in self._rows.with_failed_files(_KEPT_JOBS)}
        for job in self._rows.with_failed_files(2 * _KEPT_JOBS):
            if job.id not in kept:
                self._uploads.discard(job.id)

    def _known(self, id_: str) -> bool:
        try:
            state = self._rows.find(id_).state
        except NotFound:
            return False
        if state is JobState.DONE:
            return id_ in {job.id for job in self._rows.with_failed_files(_KEPT_JOBS)}
        return state is not JobState.CANCELLED


_FILES_A_STEP = 16  # between steps a job can be cancelled, and others may write to the base

_PAUSE_SECONDS = 0.1  # between steps: longer than others, who wait to write to the base, take to look again


class IngestWork:
    """Ingests what was uploaded. Files that failed stay where they are, so that they can be tried again."""

    def __init__(self, rows: Jobs, uploads: UploadFolder, ingestion: Callable[[str], Ingestion]) -> None:
        self._rows = rows
        self._uploads = uploads
        self._ingestion = ingestion

    def __call__(self, job: Job, control: JobControl) -> None:
        """Do a job, some files at a time."""
        while files := self._rows.waiting(job.id, _FILES_A_STEP):
            control.check()
            self._ingest(job, files)
            control.pause(_PAUSE_SECONDS)

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

    def __call__(self, job: Job, control: JobControl) -> None:
        """Do a job, an address at a time."""
        depth = int((job.request or {})["depth"])
        while files := self._rows.waiting(job.id, 1):
            control.check()
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
