"""Rows of temporary bases: one person's uploaded files, to be asked and thrown away."""

from sqlalchemy import func, insert, select

from kb_server.catalog.database import Database
from kb_server.catalog.schema import knowledge_bases, temporary_bases


class TemporaryBases:
    """Which bases are temporary, and whose."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, base_id: str, owner: str) -> None:
        """Make a base one owner's, as their newest."""
        newest = select(func.coalesce(func.max(temporary_bases.c.number), 0) + 1).scalar_subquery()
        with self._database.writing() as connection:
            connection.execute(insert(temporary_bases).values(base_id=base_id, owner=owner, number=newest))

    def owner(self, base_id: str) -> str | None:
        """Return whose a base is; None for an ordinary one."""
        query = select(temporary_bases.c.owner).where(temporary_bases.c.base_id == base_id)
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def ids(self) -> set[str]:
        """Return the ids of all temporary bases."""
        with self._database.reading() as connection:
            return set(connection.execute(select(temporary_bases.c.base_id)).scalars())

    def names(self, owner: str) -> list[str]:
        """Return the names of an owner's temporary bases, oldest first."""
        query = select(knowledge_bases.c.name).join(temporary_bases).where(temporary_bases.c.owner == owner)
        with self._database.reading() as connection:
            return list(connection.execute(query.order_by(temporary_bases.c.number)).scalars())
