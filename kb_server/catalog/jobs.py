"""Rows of jobs: what was asked for and is done in time; above all, files that were handed in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from kb_server.catalog.database import Database
from kb_server.catalog.schema import job_files, jobs, knowledge_bases, now
from kb_server.core.errors import NotFound


class JobKind(StrEnum):
    """What a job does."""

    INGEST = "ingest"  # files that were uploaded
    FETCH = "fetch"  # pages of the web; a "file" of it is an address
    EVALUATE = "evaluate"
    REINDEX = "reindex"
    MIGRATE = "migrate"
    KNN = "knn"  # building a datastore
    QUESTIONS = "questions"  # evaluation cases, worded by a language model


class JobState(StrEnum):
    """How far a job has come."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)


class FileState(StrEnum):
    """How far one file of a job has come."""

    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file of a job: the document's name, the generated name it waits under, its size in bytes."""

    name: str
    file: str
    size: int
    state: FileState = FileState.QUEUED
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and how many of its files are in which state; `error` says why it waits or failed.

    One without files says in `request` what it is to do, is at `done` of `total`, and leaves a `result`.
    """

    id: str
    base_id: str
    base: str
    owner: str
    state: JobState
    error: str | None
    created: datetime
    finished: datetime | None
    counts: dict[str, int]
    kind: JobKind = JobKind.INGEST
    request: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    done: int = 0
    total: int = 0


class Jobs:
    """The jobs of a catalog, first come first served."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        id_: str,
        base_id: str,
        owner: str,
        files: Sequence[JobFile],
        kind: JobKind = JobKind.INGEST,
        request: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a job; once this returns, it will be done whatever happens."""
        rows = [
            {"job_id": id_, "name": f.name, "file": f.file, "size": f.size, "state": f.state, "reason": f.reason}
            for f in files
        ]
        row = {"id": id_, "base_id": base_id, "owner": owner, "state": JobState.QUEUED, "created": now()}
        with self._database.writing() as connection:
            connection.execute(insert(jobs).values(**row, kind=kind, request=request))
            if rows:
                connection.execute(insert(job_files), rows)

    def find(self, id_: str) -> Job:
        """Return a job; raises NotFound."""
        found = self._select(jobs.c.id == id_)
        if not found:
            raise NotFound(f"There is no job '{id_}'.", "A base's jobs go when it is deleted.")
        return found[0]

    def of_bases(self, base_ids: Collection[str], limit: int, kinds: Collection[JobKind] = tuple(JobKind)) -> list[Job]:
        """Return the jobs of these bases, newest first."""
        return self._select(jobs.c.base_id.in_(base_ids), jobs.c.kind.in_(kinds), limit=limit, newest_first=True)

    def unfinished(self, kinds: Collection[JobKind] = tuple(JobKind)) -> list[Job]:
        """Return the jobs that wait or run, oldest first."""
        return self._select(jobs.c.state.in_(UNFINISHED), jobs.c.kind.in_(kinds))

    def with_failed_files(self, limit: int) -> list[Job]:
        """Return jobs that are through and of which files failed, newest first."""
        failed = select(job_files.c.job_id).where(job_files.c.state == FileState.FAILED)
        return self._select(jobs.c.state == JobState.DONE, jobs.c.id.in_(failed), limit=limit, newest_first=True)

    def counts(self, states: Collection[JobState]) -> dict[str, int]:
        """Return how many jobs are in each of these states."""
        query = select(jobs.c.state, func.count()).where(jobs.c.state.in_(states)).group_by(jobs.c.state)
        with self._database.reading() as connection:
            found: dict[str, int] = dict(row.tuple() for row in connection.execute(query))
        return {str(state): found.get(state, 0) for state in states}

    def files(self, id_: str) -> list[JobFile]:
        """Return a job's files in the order they were handed in."""
        return self._files(None, job_files.c.job_id == id_)

    def waiting(self, id_: str, limit: int) -> list[JobFile]:
        """Return the next files of a job that are not ingested yet."""
        return self._files(limit, job_files.c.job_id == id_, job_files.c.state == FileState.QUEUED)

    def settle(self, id_: str, outcomes: Collection[tuple[str, FileState, str | None]]) -> None:
        """Keep what became of files: (generated name, state, reason)."""
        with self._database.writing() as connection:
            for file, state, reason in outcomes:
                row = update(job_files).where(job_files.c.job_id == id_, job_files.c.file == file)
                connection.execute(row.values(state=state, reason=reason))

    def requeue(self, id_: str, files: Collection[str]) -> None:
        """Let a job that is over run again, with these of its files (generated names) once more."""
        again = update(job_files).where(job_files.c.job_id == id_, job_files.c.file.in_(files))
        with self._database.writing() as connection:
            connection.execute(again.values(state=FileState.QUEUED, reason=None))
            row = update(jobs).where(jobs.c.id == id_)
            connection.execute(row.values(state=JobState.QUEUED, error=None, finished=None))

    def progress(self, id_: str, done: int, total: int) -> None:
        """Keep how far a job is."""
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(jobs.c.id == id_).values(done=done, total=total))

    def keep_result(self, id_: str, result: Mapping[str, Any]) -> None:
        """Keep what came of a job."""
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(jobs.c.id == id_).values(result=result))

    def delete(self, id_: str) -> None:
        """Remove a job."""
        with self._database.writing() as connection:
            connection.execute(delete(jobs).where(jobs.c.id == id_))

    def move(self, id_: str, state: JobState, among: Collection[JobState], error: str | None = None) -> bool:
        """Change a job's state if it is one of `among`; returns whether it was."""
        changes = {"state": state, "error": error, "finished": None if state in UNFINISHED else now()}
        with self._database.writing() as connection:
            moved = update(jobs).where(jobs.c.id == id_, jobs.c.state.in_(among)).values(**changes)
            done = connection.execute(moved).rowcount > 0
            if done and state is JobState.CANCELLED:
                _cancel_files(connection, id_)
        return done

    def _files(self, limit: int | None, *conditions: ColumnElement[bool]) -> list[JobFile]:
        query = select(job_files).where(*conditions).order_by(job_files.c.id).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query)
            return [
                JobFile(name=r.name, file=r.file, size=r.size, state=FileState(r.state), reason=r.reason) for r in rows
            ]

    def _select(self, *conditions: ColumnElement[bool], limit: int = 1000, newest_first: bool = False) -> list[Job]:
        order = jobs.c.number.desc() if newest_first else jobs.c.number
        query = select(jobs, knowledge_bases.c.name.label("base")).join(knowledge_bases)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(*conditions).order_by(order).limit(limit)).all()
            counts = _counts(connection, [row.id for row in rows])
        return [_job(row, counts[row.id]) for row in rows]


def _job(row: Row[Any], counts: dict[str, int]) -> Job:
    values = {name: getattr(row, name) for name in Job.__dataclass_fields__ if name != "counts"}
    return Job(**values | {"state": JobState(row.state), "kind": JobKind(row.kind)}, counts=counts)


def _counts(connection: Connection, ids: Collection[str]) -> dict[str, dict[str, int]]:
    query = (
        select(job_files.c.job_id, job_files.c.state, func.count())
        .where(job_files.c.job_id.in_(ids))
        .group_by(job_files.c.job_id, job_files.c.state)
    )
    found = {id_: dict.fromkeys(FileState, 0) for id_ in ids}
    for id_, state, count in connection.execute(query):
        found[id_][FileState(state)] = count
    return {id_: {str(state): count for state, count in counts.items()} for id_, counts in found.items()}


def _cancel_files(connection: Connection, id_: str) -> None:
    left = update(job_files).where(job_files.c.job_id == id_, job_files.c.state == FileState.QUEUED)
    connection.execute(left.values(state=FileState.CANCELLED))
