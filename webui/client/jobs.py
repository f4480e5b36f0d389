"""Jobs: how uploads fare."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from webui.client.connection import Connection, Shape

ROOT = "/api/v1/jobs"
UNFINISHED = ("queued", "running", "cancelling")


class File(Shape):
    """A file of a job, and why it failed."""

    name: str
    size: int
    state: Literal["queued", "done", "failed", "cancelled"]
    reason: str | None


class Job(Shape):
    """A job; `files` counts them by state, `details` has each (empty in lists).

    One that is not about files is at `done` of `steps`.
    """

    id: str
    knowledge_base: str
    state: str
    error: str | None
    created: datetime
    finished: datetime | None
    files: dict[str, int]
    kind: str = "ingest"
    done: int = 0
    steps: int = Field(default=0, alias="total")
    result: dict[str, Any] | None = None
    details: tuple[File, ...] = ()

    @property
    def over(self) -> bool:
        """Say whether nothing more will happen."""
        return self.state not in UNFINISHED

    @property
    def total(self) -> int:
        """Return how many files or steps it has."""
        return sum(self.files.values()) or self.steps

    @property
    def settled(self) -> int:
        """Return how many files or steps are through, well or not."""
        files = sum(self.files.values())
        return files - self.files.get("queued", 0) if files else self.done


class Jobs:
    """The jobs of the bases that the key is for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def latest(self, limit: int = 50) -> list[Job]:
        """Return the newest first."""
        return [Job.model_validate(one) for one in self._connection.get(ROOT, limit=limit)["jobs"]]

    def find(self, job_id: str) -> Job:
        """Return one with its files."""
        return Job.model_validate(self._connection.get(f"{ROOT}/{job_id}"))

    def cancel(self, job_id: str) -> None:
        """Stop one; what is ingested stays."""
        self._connection.post(f"{ROOT}/{job_id}/cancel")

    def retry(self, job_id: str) -> None:
        """Put a failed one back into the queue."""
        self._connection.post(f"{ROOT}/{job_id}/retry")
