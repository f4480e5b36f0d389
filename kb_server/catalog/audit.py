"""Rows that say who did what."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from kb_server.catalog.clock import now
from kb_server.catalog.database import Database
from kb_server.catalog.schema import audit

_LONGEST_SUBJECT = 500


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change, or one that was refused: the key's id, what was tried on what, and `ok` or the error's code."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str


class Audit:
    """What was changed through the service and by whom; entries are only ever added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, actor: str, action: str, subject: str, outcome: str = "ok") -> None:
        """Add an entry."""
        row = {"actor": actor, "action": action, "subject": subject[:_LONGEST_SUBJECT], "outcome": outcome}
        with self._database.writing() as connection:
            connection.execute(insert(audit).values(at=now(), **row))

    def latest(self, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Return entries, newest first; of those older than the entry `before` if that is given."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._database.reading() as connection:
            return [AuditEntry(**row._asdict()) for row in connection.execute(query)]
