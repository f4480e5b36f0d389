"""Jobs: how uploads and other long work fare."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Caller, Scope
from kb_server.api import streams as sse
from kb_server.api.auth import CurrentCaller, audited
from kb_server.api.service import CurrentService, Service
from kb_server.catalog.jobs import UNFINISHED, JobFile
from kb_server.catalog.jobs import Job as StoredJob
from kb_server.core.errors import NotFound


class File(BaseModel):
    """A file of a job, and why it failed."""

    name: str
    size: int
    state: Literal["queued", "done", "failed", "cancelled"]
    reason: str | None


class Job(BaseModel):
    """A job: `files` counts them by state, `error` says why the whole job waits or failed.

    One that is not about files is at `done` of `total` and leaves a `result`.
    """

    id: str
    kind: Literal["ingest", "fetch", "evaluate", "reindex", "migrate", "knn", "questions"]
    knowledge_base: str
    state: Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
    error: str | None
    created: datetime
    finished: datetime | None
    files: dict[str, int]
    done: int
    total: int
    result: dict[str, Any] | None


class JobDetail(Job):
    """A job with each of its files."""

    details: list[File]


class Jobs(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]


router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])

_LOOK_SECONDS = 0.3


@router.get("")
def list_jobs(service: CurrentService, caller: CurrentCaller, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Jobs:
    """List the jobs of the bases that the key is for, newest first."""
    visible = [base.id for base in service.app.bases.all() if caller.sees(base.id)]
    return Jobs(jobs=[_job(one) for one in service.app.jobs.of_bases(visible, limit)])


@router.get("/{job_id}")
def get_job(job_id: str, service: CurrentService, caller: CurrentCaller) -> JobDetail:
    """Return a job with each of its files."""
    job = _visible(service, caller, job_id)
    return job_json(job, service.app.jobs.files(job.id))


@router.get("/{job_id}/events")
async def follow_job(job_id: str, service: CurrentService, caller: CurrentCaller) -> StreamingResponse:
    """Send the job as an event `job` whenever it has changed, until it is over."""
    await run_in_threadpool(_visible, service, caller, job_id)
    return sse.stream(_changes(service, job_id))


@router.post("/{job_id}/cancel", dependencies=[audited("job.cancel", Scope.WRITE)])
def cancel_job(job_id: str, service: CurrentService, caller: CurrentCaller) -> Job:
    """Stop a job: what is ingested stays, the rest is dropped."""
    return _job(service.app.jobs.cancel(_visible(service, caller, job_id).id))


@router.post("/{job_id}/retry", dependencies=[audited("job.retry", Scope.WRITE)])
def retry_job(job_id: str, service: CurrentService, caller: CurrentCaller) -> Job:
    """Put a failed job, or the failed files of one that is done, back into the queue."""
    return _job(service.app.jobs.retry(_visible(service, caller, job_id).id))


def job_json(job: StoredJob, files: Sequence[JobFile]) -> JobDetail:
    """Return a job with its files as the API gives it."""
    details = [File(name=one.name, size=one.size, state=one.state.value, reason=one.reason) for one in files]
    return JobDetail(**_job(job).model_dump(), details=details)


async def until_over(service: Service, job_id: str) -> AsyncIterator[StoredJob]:
    """Yield a job whenever it has changed, last when it is over or the service stops."""
    last: StoredJob | None = None
    while not service.stopping.is_set():
        job = await run_in_threadpool(service.app.jobs.find, job_id)
        if job != last:
            yield job
        if job.state not in UNFINISHED:
            return
        last = job
        await asyncio.sleep(_LOOK_SECONDS)


async def _changes(service: Service, job_id: str) -> AsyncIterator[bytes]:
    try:
        async for job in until_over(service, job_id):
            yield sse.event(_job(job).model_dump(mode="json"), "job")
    except NotFound as error:  # its base was deleted meanwhile
        yield sse.event(sse.failure(error), "error")


def _visible(service: Service, caller: Caller, job_id: str) -> StoredJob:
    job = service.app.jobs.find(job_id)
    if not caller.sees(job.base_id):
        raise NotFound(f"There is no job '{job_id}'.", "A base's jobs go when it is deleted.")
    return job


def _job(one: StoredJob) -> Job:
    return Job(
        id=one.id,
        knowledge_base=one.base,
        state=one.state.value,
        error=one.error,
        created=one.created,
        finished=one.finished,
        files=one.counts,
        kind=one.kind.value,
        done=one.done,
        total=one.total,
        result=None if one.result is None else dict(one.result),
    )
