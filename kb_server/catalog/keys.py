"""Rows of API keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from kb_server.catalog.database import Database
from kb_server.catalog.schema import api_keys, audit, now
from kb_server.core.errors import NotFound

_LONGEST_SUBJECT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret; `digest` is the sha256 of that, `base_ids` the bases it is for (None: all)."""

    id: str
    name: str
    digest: str
    scope: str
    base_ids: tuple[str, ...] | None
    created: datetime
    revoked: datetime | None


class ApiKeys:
    """The keys of a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, id_: str, name: str, digest: str, scope: str, base_ids: tuple[str, ...] | None) -> None:
        """Add a key."""
        row = {"id": id_, "name": name, "digest": digest, "scope": scope, "created": now()}
        with self._database.writing() as connection:
            connection.execute(insert(api_keys).values(**row, base_ids=None if base_ids is None else list(base_ids)))

    def find(self, id_: str) -> ApiKey | None:
        """Return a key that has not been revoked."""
        query = select(api_keys).where(api_keys.c.id == id_, api_keys.c.revoked.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return _key(row) if row else None

    def all(self) -> list[ApiKey]:
        """Return every key, revoked ones too, by name."""
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.name, api_keys.c.id))]

    def count(self) -> int:
        """Return how many keys were ever made."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(api_keys)).scalar_one()

    def revoke(self, id_: str) -> None:
        """Make a key invalid from now on; raises NotFound."""
        valid = update(api_keys).where(api_keys.c.id == id_, api_keys.c.revoked.is_(None))
        with self._database.writing() as connection:
            if not connection.execute(valid.values(revoked=now())).rowcount:
                raise NotFound(f"There is no valid key '{id_}'.", "See the ids with: kb keys list")


def _key(row: Row[Any]) -> ApiKey:
    values = row._asdict()
    return ApiKey(**{**values, "base_ids": None if row.base_ids is None else tuple(row.base_ids)})
