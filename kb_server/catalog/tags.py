"""Rows of tags: words that people put on documents, to search among these alone.

A tag belongs to a document's name, so it stays when another version replaces the document.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, delete, func, insert, select

from kb_server.catalog.database import Database, batched
from kb_server.catalog.schema import LIVE, document_tags, documents


class Tags:
    """The tags of one knowledge base's documents."""

    def __init__(self, database: Database, base_id: str) -> None:
        self._database = database
        self._base_id = base_id

    def all(self) -> dict[str, tuple[str, ...]]:
        """Return the tags of each document that has any, in order."""
        return self._found(self._mine())

    def of(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the tags, in order, of those of these documents that have any."""
        found: dict[str, tuple[str, ...]] = {}
        for part in batched(names):
            found |= self._found(self._mine() & document_tags.c.document.in_(part))
        return found

    def counts(self) -> dict[str, int]:
        """Return how many documents that are there have each tag, by tag; tags outlive documents."""
        live = select(documents.c.name).where(documents.c.base_id == self._base_id, documents.c.state.in_(LIVE))
        count = func.count().label("documents")
        query = select(document_tags.c.tag, count).where(self._mine(), document_tags.c.document.in_(live))
        with self._database.reading() as connection:
            found = {row.tag: row.documents for row in connection.execute(query.group_by(document_tags.c.tag))}
        return dict(sorted(found.items()))

    def change(self, names: Collection[str], add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Put tags on documents and take others off, in one step; what is there or gone already stays so."""
        if not add and not remove:
            return
        rows = [{"base_id": self._base_id, "document": name, "tag": tag} for name in names for tag in set(add)]
        gone = document_tags.c.document.in_(names) & document_tags.c.tag.in_([*add, *remove])
        with self._database.writing() as connection:
            connection.execute(delete(document_tags).where(self._mine(), gone))
            if rows:
                connection.execute(insert(document_tags), rows)

    def _found(self, which: ColumnElement[bool]) -> dict[str, tuple[str, ...]]:
        query = select(document_tags).where(which).order_by(document_tags.c.document, document_tags.c.tag)
        found: dict[str, tuple[str, ...]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found[row.document] = (*found.get(row.document, ()), row.tag)
        return found

    def _mine(self) -> ColumnElement[bool]:
        return document_tags.c.base_id == self._base_id
