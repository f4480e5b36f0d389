"""Jobs: uploads that are acknowledged and then ingested, whatever happens to the process meanwhile."""

import logging
from collections.abc import Callable, Collection, Sequence
from threading import Event

from filelock import Timeout

from kb_server.catalog.documents import Documents
from kb_server.catalog.jobs import UNFINISHED, FileState, Job, JobFile, Jobs, JobState
from kb_server.errors import KbError, NotFound, StorageError, TooLarge, UsageError
from kb_server.logs import described
from kb_server.services.ingesting import Ingestion
from kb_server.services.sources import Failure, Source
from kb_server.services.uploads import Upload, UploadFolder

logger = logging.getLogger(__name__)

_FILES_A_STEP = 16  # between steps a job can be cancelled, and others may write to the base
_PAUSE_SECONDS = 0.1  # between steps: longer than others, who wait to write to the base, take to look again
_POLL_SECONDS = 0.3
_RETRY_SECONDS = 5.0


class JobDesk:
    """Takes uploads in and tells how they fare."""

    def __init__(self, rows: Jobs, uploads: UploadFolder) -> None:
        self._rows = rows
        self._uploads = uploads

    def submit(self, base_id: str, owner: str, upload: Upload, documents: Documents, quota: int | None) -> Job:
        """Turn a received upload into a job; once this returns, its files will be ingested.

        Raises UsageError if no file of it can be read, TooLarge beyond the base's quota of documents. Then, as after
        any error, nothing of the upload is left.
        """
        try:
            files = upload.finish()
            _refuse_unreadable(files)
            _refuse_beyond(quota, files, documents)
            self._rows.add(upload.id, base_id, owner, files)
        except KbError:
            upload.discard()
            raise
        upload.release()
        return self._rows.find(upload.id)

    def find(self, id_: str) -> Job:
        """Return a job; raises NotFound."""
        return self._rows.find(id_)

    def files(self, id_: str) -> list[JobFile]:
        """Return a job's files in the order they were handed in."""
        return self._rows.files(id_)

    def of_bases(self, base_ids: Sequence[str], limit: int) -> list[Job]:
        """Return the jobs of these bases, newest first."""
        return self._rows.of_bases(base_ids, limit)

    def counts(self, states: Collection[JobState]) -> dict[str, int]:
        """Return how many jobs are in each of these states."""
        return self._rows.counts(states)

    def cancel(self, id_: str) -> Job:
        """Stop a job: what is ingested stays, the rest is dropped. Raises UsageError if it is over."""
        if not self._rows.move(id_, JobState.CANCELLING, UNFINISHED):
            job = self._rows.find(id_)
            raise UsageError(
                f"The job '{id_}' is {job.state} already.", "Only a job that waits or runs can be stopped."
            )
        return self._rows.find(id_)

    def retry(self, id_: str) -> Job:
        """Put a failed job back into the queue; raises UsageError if it has not failed."""
        if not self._rows.move(id_, JobState.QUEUED, (JobState.FAILED,)):
            job = self._rows.find(id_)
            raise UsageError(f"The job '{id_}' is {job.state}.", "Only a failed job can be tried again.")
        return self._rows.find(id_)


class JobRunner:
    """Ingests what jobs hold, one job at a time. Several processes may each have one; a lock gives a job to one."""

    def __init__(self, rows: Jobs, uploads: UploadFolder, ingestion: Callable[[str], Ingestion]) -> None:
        self._rows = rows
        self._uploads = uploads
        self._ingestion = ingestion

    def run_until(self, stop: Event) -> None:
        """Run jobs as they come until `stop` is set; a job at hand is left at its next step, to be gone on with."""
        self._uploads.sweep(self._known)
        while not stop.is_set():
            if not self.run_next(stop):
                stop.wait(_POLL_SECONDS)

    def run_next(self, stop: Event) -> bool:
        """Run the oldest job that nobody else runs; returns False if there was none."""
        for job in self._rows.unfinished():
            try:
                with self._uploads.lock(job.id).acquire(blocking=False):
                    self._run(job.id, stop)
            except (Timeout, FileNotFoundError, NotFound):  # another runner has it, or its base is gone
                continue
            return True
        return False

    def _run(self, id_: str, stop: Event) -> None:
        job = self._rows.find(id_)
        self._rows.move(id_, JobState.RUNNING, (JobState.QUEUED,))
        while not stop.is_set() and (files := self._next_files(id_)):
            if not self._step(job, files, stop):
                return
            stop.wait(_PAUSE_SECONDS)
        if not stop.is_set():
            self._end(id_)

    def _step(self, job: Job, files: Sequence[JobFile], stop: Event) -> bool:
        """Ingest some files; returns False if the job has failed."""
        try:
            self._ingest(job, files)
        except StorageError as error:  # a full disk, or another writer: that passes
            logger.warning("a job waits", extra={"job": job.id, "code": error.code})
            self._rows.move(job.id, JobState.RUNNING, (JobState.RUNNING,), str(error))
            stop.wait(_RETRY_SECONDS)
        except NotFound:
            raise
        except KbError as error:
            return self._fail(job, str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a job: it fails, the others go on
            logger.error("a job broke", extra={"job": job.id, **described(error)})
            return self._fail(job, "An error of the program; the log of the service has it.")
        return True

    def _fail(self, job: Job, reason: str) -> bool:
        logger.warning("a job failed", extra={"job": job.id})
        self._rows.move(job.id, JobState.FAILED, UNFINISHED, reason)
        return False

    def _next_files(self, id_: str) -> list[JobFile]:
        state = self._rows.find(id_).state
        return self._rows.waiting(id_, _FILES_A_STEP) if state is JobState.RUNNING else []

    def _ingest(self, job: Job, files: Sequence[JobFile]) -> None:
        sources = [Source(self._uploads.file(job.id, file.file), file.name, file.size) for file in files]
        report = self._ingestion(job.base).take(sources)
        outcomes = [_outcome(file, source, report.failed) for file, source in zip(files, sources, strict=True)]
        self._rows.settle(job.id, outcomes)
        for file in files:
            self._uploads.discard_file(job.id, file.file)

    def _end(self, id_: str) -> None:
        """Close a job that is through or was cancelled; its folder goes first, so that none stays behind."""
        if self._rows.find(id_).state in (JobState.RUNNING, JobState.CANCELLING):
            self._uploads.discard(id_)
        self._rows.move(id_, JobState.DONE, (JobState.RUNNING,))
        self._rows.move(id_, JobState.CANCELLED, (JobState.CANCELLING,))

    def _known(self, id_: str) -> bool:
        try:
            return self._rows.find(id_).state not in (JobState.DONE, JobState.CANCELLED)
        except NotFound:
            return False


def _outcome(file: JobFile, source: Source, failed: Sequence[Failure]) -> tuple[str, FileState, str | None]:
    """Return what became of a file; an archive of which some members failed is done, and says so."""
    reasons = {failure.path: failure.reason for failure in failed}
    if source.shown in reasons:
        return file.file, FileState.FAILED, reasons[source.shown]
    inside = [(path, reason) for path, reason in reasons.items() if path.startswith(f"{source.shown}/")]
    if not inside:
        return file.file, FileState.DONE, None
    path, reason = inside[0]
    member = path.removeprefix(f"{source.shown}/")
    return file.file, FileState.DONE, f"{len(inside)} of the files in it could not be read. {member}: {reason}"


def _refuse_unreadable(files: Sequence[JobFile]) -> None:
    if all(file.state is FileState.FAILED for file in files):
        first = files[0]
        raise UsageError(f"None of the {len(files)} files can be read. {first.name}: {first.reason}", "See kb doctor.")


def _refuse_beyond(quota: int | None, files: Sequence[JobFile], documents: Documents) -> None:
    if quota is None:
        return
    names = {document.name for document in documents.all()} | {file.name for file in files}
    if len(names) > quota:
        raise TooLarge(f"This knowledge base may hold {quota} documents.", "Remove some, or ask the administrator.")
