"""Rows of snapshots: which versions of documents a knowledge base held at a moment.

Versions never change once they are indexed, so a snapshot is a list of them and shares every row, vector and file. What
is removed later stays in the catalog as long as a snapshot lists it.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from kb_server.catalog.database import Database
from kb_server.catalog.near_duplicates import enabled, searchable
from kb_server.catalog.pending import Pending
from kb_server.catalog.removal import Removed, forget, retire
from kb_server.catalog.schema import LIVE, chunks, documents, edited_chunks, snapshot_documents, snapshots
from kb_server.core.domain import DocumentState, Snapshot, searchable_text
from kb_server.core.errors import AlreadyExists, NotFound


class Snapshots:
    """The snapshots of one knowledge base."""

    def __init__(self, database: Database, base_id: str) -> None:
        self._database = database
        self._base_id = base_id

    def create(self, name: str) -> Snapshot:
        """List what is indexed now; raises AlreadyExists."""
        row = {"base_id": self._base_id, "name": name, "created": datetime.now(UTC).replace(tzinfo=None)}
        with self._database.writing() as connection:
            try:
                id_ = connection.execute(insert(snapshots).values(row).returning(snapshots.c.id)).scalar_one()
            except IntegrityError as error:
                raise AlreadyExists(
                    f"There is a snapshot named '{name}' already.", "Choose another name, or delete that one."
                ) from error
            indexed = select(literal(id_), documents.c.id).where(*self._indexed())
            connection.execute(insert(snapshot_documents).from_select(["snapshot_id", "document_id"], indexed))
        return self.find(name)

    def all(self) -> list[Snapshot]:
        """Return every snapshot, the oldest first."""
        with self._database.reading() as connection:
            return [Snapshot(**row) for row in connection.execute(self._counted()).mappings()]

    def find(self, name: str) -> Snapshot:
        """Return the snapshot of exactly this name; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(self._counted().where(snapshots.c.name == name)).mappings().first()
        if row is None:
            raise NotFound(f"There is no snapshot named '{name}'.", "See the names with: kb snapshot list NAME")
        return Snapshot(**row)

    def digests(self, snapshot: Snapshot | None) -> dict[str, str]:
        """Return the sha256 of each document of a snapshot by name; None: of the base as it is now."""
        query = select(documents.c.name, documents.c.sha256)
        if snapshot is None:
            query = query.where(*self._indexed())
        else:
            query = query.where(documents.c.id.in_(_listed(snapshot)))
        with self._database.reading() as connection:
            return {row.name: row.sha256 for row in connection.execute(query)}

    def returning(self, snapshot: Snapshot) -> list[Pending]:
        """Return what a restore brings back into the stores: of the listed versions that are set aside now."""
        text = func.coalesce(edited_chunks.c.text, chunks.c.text)
        query = (
            select(chunks.c.document_id, chunks.c.vector_id, chunks.c.heading_path, text)
            .select_from(chunks.join(documents).outerjoin(edited_chunks))
            .where(documents.c.id.in_(_listed(snapshot)), documents.c.state.not_in(LIVE), enabled())
            .order_by(chunks.c.id)
        )
        found: dict[int, dict[int, str]] = {}
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            there = searchable(connection, {row.vector_id for row in rows})
        for document_id, id_, headings, said in rows:
            if id_ not in there:
                found.setdefault(document_id, {})[id_] = searchable_text(tuple(headings), said)
                there.add(id_)
        return [
            Pending(document_id=id_, vector_ids=tuple(part), texts=tuple(part.values())) for id_, part in found.items()
        ]

    def restore(self, snapshot: Snapshot) -> Removed:
        """Make the base hold exactly the listed versions, in one step; returns what the others leave.

        What was indexed and is in no snapshot is deleted, as is everything unfinished: list it in a snapshot before.
        """
        gone = select(documents.c.id, documents.c.file).where(
            documents.c.base_id == self._base_id,
            documents.c.state.in_(LIVE),
            (documents.c.state != DocumentState.INDEXED) | documents.c.id.not_in(_listed(snapshot)),
        )
        back = update(documents).where(documents.c.id.in_(_listed(snapshot)))
        with self._database.writing() as connection:
            removed = retire(connection, {row.id: row.file for row in connection.execute(gone)})
            connection.execute(back.values(state=DocumentState.INDEXED))
        return removed

    def delete(self, snapshot: Snapshot) -> Removed:
        """Forget a snapshot; returns what was kept for it alone."""
        unlisted = select(documents.c.id, documents.c.file).where(
            documents.c.base_id == self._base_id,
            documents.c.state.not_in(LIVE),
            documents.c.id.not_in(select(snapshot_documents.c.document_id)),
        )
        with self._database.writing() as connection:
            connection.execute(delete(snapshots).where(snapshots.c.id == snapshot.id))
            return forget(connection, {row.id: row.file for row in connection.execute(unlisted)})

    def _counted(self) -> Select[Any]:
        """Select the snapshots of this base, the oldest first, with how much each lists."""
        of_listed = chunks.c.document_id == snapshot_documents.c.document_id
        return (
            select(
                snapshots.c.id,
                snapshots.c.name,
                snapshots.c.created,
                func.count(snapshot_documents.c.document_id.distinct()).label("documents"),
                func.count(chunks.c.id).label("chunks"),
            )
            .select_from(snapshots.outerjoin(snapshot_documents).outerjoin(chunks, of_listed))
            .where(snapshots.c.base_id == self._base_id)
            .group_by(snapshots.c.id, snapshots.c.name, snapshots.c.created)
            .order_by(snapshots.c.id)
        )

    def _indexed(self) -> tuple[ColumnElement[bool], ...]:
        return documents.c.base_id == self._base_id, documents.c.state == DocumentState.INDEXED


def _listed(snapshot: Snapshot) -> Select[tuple[int]]:
    return select(snapshot_documents.c.document_id).where(snapshot_documents.c.snapshot_id == snapshot.id)
