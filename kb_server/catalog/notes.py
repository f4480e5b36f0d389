"""Rows of notes: what a base is about, in a person's words."""

from sqlalchemy import delete, insert, select

from kb_server.catalog.database import Database
from kb_server.catalog.schema import base_notes


class Notes:
    """The notes of a catalog's bases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, base_id: str, text: str) -> None:
        """Give a base another note."""
        with self._database.writing() as connection:
            connection.execute(delete(base_notes).where(base_notes.c.base_id == base_id))
            connection.execute(insert(base_notes).values(base_id=base_id, text=text))

    def all(self) -> dict[str, str]:
        """Return the notes by base id."""
        with self._database.reading() as connection:
            return {row.base_id: row.text for row in connection.execute(select(base_notes))}
