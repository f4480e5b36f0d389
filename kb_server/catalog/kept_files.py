"""Rows of files that a client keeps here."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select

from kb_server.catalog.database import Database
from kb_server.catalog.schema import kept_files, now
from kb_server.core.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of one owner; `file` is the generated name its bytes lie under."""

    id: str
    owner: str
    name: str
    file: str
    size: int
    purpose: str
    created: datetime


class KeptFiles:
    """The kept files of a catalog; each is seen by its owner only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owner: str, name: str, file: str, size: int, purpose: str) -> KeptFile:
        """Add a file under a random id, which says nothing of where it lies."""
        made = KeptFile(
            id=f"file-{secrets.token_hex(16)}",
            owner=owner,
            name=name,
            file=file,
            size=size,
            purpose=purpose,
            created=now(),
        )
        row = {column: getattr(made, column) for column in KeptFile.__dataclass_fields__}
        with self._database.writing() as connection:
            connection.execute(insert(kept_files).values(row))
        return made

    def find(self, owner: str, id_: str) -> KeptFile:
        """Return an owner's file; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(kept_files).where(_mine(owner, id_))).first()
        if row is None:
            raise NotFound(f"There is no file '{id_}'.", "List yours with: GET /v1/files")
        return _file(row)

    def of(self, owner: str) -> list[KeptFile]:
        """Return an owner's files, newest first."""
        query = select(kept_files).where(kept_files.c.owner == owner).order_by(kept_files.c.number.desc())
        with self._database.reading() as connection:
            return [_file(row) for row in connection.execute(query)]

    def size(self, owner: str) -> int:
        """Return how many bytes an owner keeps."""
        query = select(func.coalesce(func.sum(kept_files.c.size), 0)).where(kept_files.c.owner == owner)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def delete(self, owner: str, id_: str) -> KeptFile:
        """Remove the row and return it; raises NotFound."""
        file = self.find(owner, id_)
        with self._database.writing() as connection:
            connection.execute(delete(kept_files).where(_mine(owner, id_)))
        return file


def _mine(owner: str, id_: str) -> ColumnElement[bool]:
    return (kept_files.c.owner == owner) & (kept_files.c.id == id_)


def _file(row: Row[Any]) -> KeptFile:
    return KeptFile(**{name: getattr(row, name) for name in KeptFile.__dataclass_fields__})
