"""Rows of temporary bases: one person's uploaded files, to be asked and thrown away."""

from sqlalchemy import insert, select

from kb_server.catalog.database import Database
from kb_server.catalog.schema import temporary_bases


class TemporaryBases:
    """Which bases are temporary, and whose."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, base_id: str, owner: str) -> None:
        """Make a base one owner's."""
        with self._database.writing() as connection:
            connection.execute(insert(temporary_bases).values(base_id=base_id, owner=owner))

    def owner(self, base_id: str) -> str | None:
        """Return whose a base is; None for an ordinary one."""
        query = select(temporary_bases.c.owner).where(temporary_bases.c.base_id == base_id)
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def ids(self) -> set[str]:
        """Return the ids of all temporary bases."""
        with self._database.reading() as connection:
            return set(connection.execute(select(temporary_bases.c.base_id)).scalars())
