"""Rows of tags: words that people put on documents, to search among these alone.

A tag belongs to a document's name, so it stays when another version replaces the document.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, delete, insert, select

from kb_server.catalog.database import Database
from kb_server.catalog.schema import document_tags


class Tags:
    """The tags of one knowledge base's documents."""

    def __init__(self, database: Database, base_id: str) -> None:
        self._database = database
        self._base_id = base_id

    def all(self) -> dict[str, tuple[str, ...]]:
        """Return the tags of each document that has any, in order."""
        query = select(document_tags).where(self._mine()).order_by(document_tags.c.document, document_tags.c.tag)
        found: dict[str, tuple[str, ...]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found[row.document] = (*found.get(row.document, ()), row.tag)
        return found

    def change(self, documents: Collection[str], add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Put tags on documents and take others off, in one step; what is there or gone already stays so."""
        if not add and not remove:
            return
        rows = [{"base_id": self._base_id, "document": name, "tag": tag} for name in documents for tag in set(add)]
        gone = document_tags.c.document.in_(documents) & document_tags.c.tag.in_([*add, *remove])
        with self._database.writing() as connection:
            connection.execute(delete(document_tags).where(self._mine(), gone))
            if rows:
                connection.execute(insert(document_tags), rows)

    def _mine(self) -> ColumnElement[bool]:
        return document_tags.c.base_id == self._base_id
