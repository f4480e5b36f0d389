"""Rows of jobs: files that were handed in and are to be ingested."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from kb_server.catalog.clock import now
from kb_server.catalog.database import Database
from kb_server.catalog.schema import job_files, jobs, knowledge_bases
from kb_server.errors import NotFound


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


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file of a job: the document's name, the generated name it waits under, its size in bytes."""

    name: str
    file: str
    size: int
    state: FileState = FileState.QUEUED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job and how many of its files are in which state; `error` says why it waits or failed."""

    id: str
    base_id: str
    base: str
    owner: str
    state: JobState
    error: str | None
    created: datetime
    finished: datetime | None
    counts: dict[str, int]


class Jobs:
    """The jobs of a catalog, first come first served."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, id_: str, base_id: str, owner: str, files: Sequence[JobFile]) -> None:
        """Add a job; once this returns, its files will be ingested whatever happens."""
        rows = [
            {"job_id": id_, "name": f.name, "file": f.file, "size": f.size, "state": f.state, "reason": f.reason}
            for f in files
        ]
        with self._database.writing() as connection:
            row = {"id": id_, "base_id": base_id, "owner": owner, "state": JobState.QUEUED, "created": now()}
            connection.execute(insert(jobs).values(row))
            connection.execute(insert(job_files), rows)

    def find(self, id_: str) -> Job:
        """Return a job; raises NotFound."""
        found = self._select(jobs.c.id == id_)
        if not found:
            raise NotFound(f"There is no job '{id_}'.", "A base's jobs go when it is deleted.")
        return found[0]

    def of_bases(self, base_ids: Collection[str], limit: int) -> list[Job]:
        """Return the jobs of these bases, newest first."""
        return self._select(jobs.c.base_id.in_(base_ids), limit=limit, newest_first=True)

    def unfinished(self) -> list[Job]:
        """Return the jobs that wait or run, oldest first."""
        return self._select(jobs.c.state.in_(UNFINISHED))

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
            return [JobFile(r.name, r.file, r.size, FileState(r.state), r.reason) for r in rows]

    def _select(self, *conditions: ColumnElement[bool], limit: int = 1000, newest_first: bool = False) -> list[Job]:
        order = jobs.c.number.desc() if newest_first else jobs.c.number
        query = select(jobs, knowledge_bases.c.name.label("base")).join(knowledge_bases)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(*conditions).order_by(order).limit(limit)).all()
            counts = _counts(connection, [row.id for row in rows])
        return [
            Job(r.id, r.base_id, r.base, r.owner, JobState(r.state), r.error, r.created, r.finished, counts[r.id])
            for r in rows
        ]


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
