"""Jobs as those who ask for them see them: handed in, followed, stopped, tried again."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kb_server.bases.quotas import Quota
from kb_server.catalog.jobs import UNFINISHED, FileState, Job, JobFile, JobKind, Jobs, JobState
from kb_server.core.errors import KbError, UsageError
from kb_server.ingest.uploads import Upload, UploadFolder


class JobService:
    """Takes jobs in and tells how they fare."""

    def __init__(self, rows: Jobs, uploads: UploadFolder) -> None:
        self._rows = rows
        self._uploads = uploads

    def submit(self, base_id: str, owner: str, upload: Upload, room: Quota) -> Job:
        """Turn a received upload into a job; once this returns, its files will be ingested.

        Raises UsageError if no file of it can be read, TooLarge beyond the base's quotas. Then, as after
        any error, nothing of the upload is left.
        """
        try:
            files = upload.finish()
            _refuse_unreadable(files)
            room.check([file.name for file in files], sum(file.size for file in files))
            self._rows.add(upload.id, base_id, owner, files)
        except KbError:
            upload.discard()
            raise
        upload.release()
        return self._rows.find(upload.id)

    def submit_pages(self, base_id: str, owner: str, urls: Sequence[str], depth: int) -> Job:
        """Begin a job that fetches pages of the web and ingests them; with `depth`, the pages they link to as well."""
        files = [JobFile(name=url, file=secrets.token_hex(16), size=0) for url in dict.fromkeys(urls)]
        return self._begin(base_id, owner, JobKind.FETCH, {"depth": depth}, files)

    def submit_task(self, base_id: str, owner: str, kind: JobKind, request: Mapping[str, Any]) -> Job:
        """Begin a job that is not about files."""
        return self._begin(base_id, owner, kind, request)

    def find(self, id_: str) -> Job:
        """Return a job; raises NotFound."""
        return self._rows.find(id_)

    def files(self, id_: str) -> list[JobFile]:
        """Return a job's files in the order they were handed in."""
        return self._rows.files(id_)

    def of_bases(self, base_ids: Sequence[str], limit: int, kinds: Collection[JobKind] = tuple(JobKind)) -> list[Job]:
        """Return the jobs of these bases, newest first."""
        return self._rows.of_bases(base_ids, limit, kinds)

    def counts(self, states: Collection[JobState]) -> dict[str, int]:
        """Return how many jobs are in each of these states."""
        return self._rows.counts(states)

    def cancel(self, id_: str) -> Job:
        """Stop a job: what is done stays, the rest is dropped. Raises UsageError if it is over."""
        if not self._rows.move(id_, JobState.CANCELLING, UNFINISHED):
            job = self._rows.find(id_)
            raise UsageError(
                f"The job '{id_}' is {job.state} already.", "Only a job that waits or runs can be stopped."
            )
        return self._rows.find(id_)

    def retry(self, id_: str) -> Job:
        """Put a failed job, or the failed files of one that is through, back into the queue.

        Raises UsageError if nothing failed, or if the files that did are not kept any more.
        """
        job = self._rows.find(id_)
        if job.state not in (JobState.FAILED, JobState.DONE):
            raise UsageError(f"The job '{id_}' is {job.state}.", "Only a job that is over can be tried again.")
        failed = [file.file for file in self._rows.files(id_) if file.state is FileState.FAILED]
        kept = [file for file in failed if self._is_kept(job, file)]
        if job.state is JobState.DONE and not kept:
            raise _nothing_to_retry(id_, failed)
        self._uploads.make(id_)
        self._rows.requeue(id_, kept)
        return self._rows.find(id_)

    def delete(self, id_: str) -> None:
        """Forget a job that is over; raises UsageError for one that is not."""
        job = self._rows.find(id_)
        if job.state in UNFINISHED:
            raise UsageError(f"The job '{id_}' is {job.state}.", "Stop it first.")
        self._rows.delete(id_)
        self._uploads.discard(id_)

    def _is_kept(self, job: Job, file: str) -> bool:
        """Tell whether a file can be had again: a page is fetched once more, all others have to be here."""
        return job.kind is JobKind.FETCH or self._uploads.file(job.id, file).exists()

    def _begin(
        self,
        base_id: str,
        owner: str,
        kind: JobKind,
        request: Mapping[str, Any],
        files: Sequence[JobFile] = (),
    ) -> Job:
        place = self._uploads.begin(0)
        try:
            self._rows.add(place.id, base_id, owner, files, kind, request)
        except KbError:
            place.discard()
            raise
        place.release()
        return self._rows.find(place.id)


def _nothing_to_retry(id_: str, failed: Sequence[str]) -> UsageError:
    if failed:
        return UsageError(f"No file of the job '{id_}' that failed is kept.", "Send them again.")
    return UsageError("No file of this job has failed.", "There is nothing to try again.")


def _refuse_unreadable(files: Sequence[JobFile]) -> None:
    if all(file.state is FileState.FAILED for file in files):
        first = files[0]
        raise UsageError(f"None of the {len(files)} files can be read. {first.name}: {first.reason}", "See kb doctor.")
