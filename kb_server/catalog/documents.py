"""Rows of one knowledge base's documents and chunks.

A document is written `pending` with its chunks, becomes `indexed` in a second transaction that also removes the version
it replaces, and is `failed` if it cannot be read. Whoever removes rows gets what they leave behind, to take it out
of the stores afterwards; the catalog always goes first. A version that a snapshot holds is not removed but set aside in
a state of its own, which only `files`, `kept_chunk_ids` and the snapshots see.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

from kb_server.catalog.database import Database
from kb_server.catalog.filters import conditions
from kb_server.catalog.near_duplicates import IDS_A_QUERY, Originals, is_no_copy, originals_of, separate
from kb_server.catalog.pending import Arrival, Pending, insert_chunks, without
from kb_server.catalog.removal import LIVE, Removed, batched, retire
from kb_server.catalog.schema import chunk_copies, chunks, disabled_chunks, document_texts, documents, edited_chunks
from kb_server.core.domain import Chunk, ChunkPosition, Document, DocumentState, Filter, Slice, StoredDocument
from kb_server.core.errors import NotFound

_STORED = func.coalesce(chunk_copies.c.original_id, chunks.c.id).label("stored")
_CHUNKS_CHANGE = "A document's chunks change when it does."


class Documents:
    """The documents of one knowledge base. With `once`, chunks of the same words are indexed once (see copies)."""

    def __init__(self, database: Database, base_id: str, *, once: bool = True) -> None:
        self._database = database
        self._base_id = base_id
        self._originals = Originals(base_id) if once else None

    def all(self) -> list[StoredDocument]:
        """Return every document by name, in whatever state."""
        counts = func.count(chunks.c.id).label("chunks")
        query = (
            select(*_document_columns(), counts)
            .select_from(documents.outerjoin(chunks))
            .where(self._mine())
            .group_by(documents.c.id)
            .order_by(documents.c.name, documents.c.id)
        )
        with self._database.reading() as connection:
            return [_document(row._asdict()) for row in connection.execute(query)]

    def find(self, id_: int) -> StoredDocument:
        """Return the document with this id; raises NotFound."""
        for document in self.all():
            if document.id == id_:
                return document
        raise NotFound(f"There is no document {id_} here.", "Its id changes when another version replaces it.")

    def chunks_of(self, id_: int, limit: int | None = None, offset: int = 0) -> list[Chunk]:
        """Return chunks of an indexed document, in reading order; all of them if there is no limit."""
        query = (
            self._chunk_rows(DocumentState.INDEXED).where(documents.c.id == id_).order_by(chunks.c.start, chunks.c.id)
        )
        with self._database.reading() as connection:
            return [_chunk(row) for row in connection.execute(query.limit(limit).offset(offset))]

    def disabled(self, document_id: int) -> set[int]:
        """Return the ids of a document's chunks that were taken out of search."""
        mine = select(chunks.c.id).where(chunks.c.document_id == document_id)
        query = select(disabled_chunks.c.chunk_id).where(disabled_chunks.c.chunk_id.in_(mine))
        with self._database.reading() as connection:
            return set(connection.execute(query).scalars())

    def disable(self, chunk_id: int) -> Removed:
        """Take a chunk out of search; returns what it leaves in the stores. Raises NotFound unless it was in."""
        searchable = self._chunk_rows(DocumentState.INDEXED).where(chunks.c.id == chunk_id, _enabled())
        with self._database.writing() as connection:
            if connection.execute(searchable).first() is None:
                raise NotFound(f"There is no searchable chunk {chunk_id} here.", _CHUNKS_CHANGE)
            connection.execute(insert(disabled_chunks).values(chunk_id=chunk_id))
            stored = originals_of(connection, [chunk_id]).get(chunk_id, chunk_id)
            is_left = connection.execute(self._places_of(connection, [stored])).first() is not None
        return Removed(() if is_left else (stored,))

    def enable(self, chunk_id: int) -> None:
        """Put a chunk back into search; raises NotFound unless it was taken out."""
        mine = select(chunks.c.id).join(documents).where(self._mine(), chunks.c.id == chunk_id)
        with self._database.writing() as connection:
            if not connection.execute(delete(disabled_chunks).where(disabled_chunks.c.chunk_id.in_(mine))).rowcount:
                raise NotFound(f"There is no disabled chunk {chunk_id} here.", _CHUNKS_CHANGE)

    def edit(self, chunk_id: int, text: str) -> None:
        """Give a chunk another wording; the document's text and the chunk's offsets in it stay.

        It shares no words with other chunks any more; those that had no place of their own in the stores need one.
        """
        with self._database.writing() as connection:
            separate(connection, chunk_id)
            connection.execute(delete(edited_chunks).where(edited_chunks.c.chunk_id == chunk_id))
            connection.execute(insert(edited_chunks).values(chunk_id=chunk_id, text=text))

    def revert(self, chunk_id: int) -> None:
        """Give a chunk the document's wording back."""
        with self._database.writing() as connection:
            connection.execute(delete(edited_chunks).where(edited_chunks.c.chunk_id == chunk_id))

    def original_texts(self, document_id: int) -> dict[int, str]:
        """Return the document's wording of those of its chunks that have another now, by chunk id."""
        query = select(chunks.c.id, chunks.c.text).join(edited_chunks).where(chunks.c.document_id == document_id)
        with self._database.reading() as connection:
            return {row.id: row.text for row in connection.execute(query)}

    def edited_ids(self) -> set[int]:
        """Return the ids of all chunks that have another wording than their document."""
        query = select(edited_chunks.c.chunk_id).select_from(edited_chunks.join(chunks).join(documents))
        with self._database.reading() as connection:
            return set(connection.execute(query.where(self._mine())).scalars())

    def marked(self) -> dict[int, tuple[int, int]]:
        """Return by document id how many of its chunks are edited, and disabled, where there are any."""
        counts = (func.count(edited_chunks.c.chunk_id), func.count(disabled_chunks.c.chunk_id))
        rows = chunks.join(documents).outerjoin(edited_chunks)
        rows = rows.outerjoin(disabled_chunks, disabled_chunks.c.chunk_id == chunks.c.id)
        some = edited_chunks.c.chunk_id.is_not(None) | disabled_chunks.c.chunk_id.is_not(None)
        query = select(documents.c.id, *counts).select_from(rows).where(self._mine(DocumentState.INDEXED), some)
        with self._database.reading() as connection:
            found = connection.execute(query.group_by(documents.c.id))
            return {id_: (edited, disabled) for id_, edited, disabled in found}

    def digests(self) -> dict[str, str]:
        """Return the sha256 of each indexed document by name."""
        query = select(documents.c.name, documents.c.sha256).where(self._mine(DocumentState.INDEXED))
        with self._database.reading() as connection:
            return {row.name: row.sha256 for row in connection.execute(query)}

    def names(self) -> set[str]:
        """Return the names of all documents, in whatever state."""
        with self._database.reading() as connection:
            return set(connection.execute(select(documents.c.name).where(self._mine())).scalars())

    def text(self, name: str) -> str:
        """Return the whole text of an indexed document, which chunk offsets count in; raises NotFound."""
        query = (
            select(document_texts.c.text)
            .join(documents)
            .where(self._mine(DocumentState.INDEXED), documents.c.name == name)
        )
        with self._database.reading() as connection:
            text: str | None = connection.execute(query).scalar()
        if text is None:
            raise NotFound(f"There is no indexed document named '{name}' here.", "See the names with: kb docs NAME")
        return text

    def begin(self, sha256: str, file: str, document: Document, slices: Sequence[Slice]) -> tuple[Pending, Removed]:
        """Write a document `pending` with its chunks; returns it and what an unfinished try that it replaces left."""
        (pending,), removed = self.begin_all([Arrival(sha256=sha256, file=file, document=document, slices=slices)])
        return pending, removed

    def begin_all(self, arrivals: Sequence[Arrival]) -> tuple[list[Pending], Removed]:
        """Do what `begin` does for many documents in one step."""
        removed = Removed()
        pending: list[Pending] = []
        with self._database.writing() as connection:
            for arrival in arrivals:
                removed += self._remove_unfinished(connection, arrival.document.name)
                pending.append(self._insert(connection, arrival))
        return pending, removed

    def pending(self) -> list[Pending]:
        """Return the documents that an interrupted run left, in the order they were begun."""
        query = self._chunk_rows(DocumentState.PENDING).where(is_no_copy()).order_by(chunks.c.start, chunks.c.id)
        found: dict[int, list[Chunk]] = {}
        with self._database.reading() as connection:
            ids = select(documents.c.id).where(self._mine(DocumentState.PENDING)).order_by(documents.c.id)
            found = {document_id: [] for document_id in connection.execute(ids).scalars()}
            for row in connection.execute(query):
                found[row.document_id].append(_chunk(row))
        return [_pending(document_id, part) for document_id, part in found.items()]

    def commit(self, document_ids: Collection[int]) -> Removed:
        """Make pending documents searchable and remove the versions they replace; returns what those leave."""
        removed = Removed()
        with self._database.writing() as connection:
            for document_id in document_ids:
                name = select(documents.c.name).where(documents.c.id == document_id).scalar_subquery()
                earlier = documents.c.state == DocumentState.INDEXED
                removed += self._remove(connection, documents.c.name == name, earlier)
                done = update(documents).where(documents.c.id == document_id)
                connection.execute(done.values(state=DocumentState.INDEXED, error=None))
        return removed

    def fail(self, name: str, sha256: str, reason: str) -> Removed:
        """Note why a document could not be read; an indexed version of it stays and carries the reason."""
        with self._database.writing() as connection:
            removed = self._remove_unfinished(connection, name)
            indexed = update(documents).where(self._mine(DocumentState.INDEXED), documents.c.name == name)
            if connection.execute(indexed.values(error=reason)).rowcount:
                return removed
            row = self._row(name, DocumentState.FAILED, sha256, "", error=reason)
            connection.execute(insert(documents).values(row))
        return removed

    def remove(self, names: Collection[str], *, below: bool = True) -> Removed:
        """Remove documents in every state, all or none; returns what they leave. Raises NotFound for unknown names.

        The name of an archive, a mail or a folder stands for all that came from it, unless `below` is False.
        """
        with self._database.writing() as connection:
            known = connection.execute(select(documents.c.name).where(self._mine())).scalars().all()
            for name in sorted(names):
                if not any(other == name or other.startswith(f"{name}/") for other in known):
                    raise NotFound(f"There is no document named '{name}' here.", "See the names with: kb docs NAME")
            return sum((self._remove(connection, _called(name, below=below)) for name in names), Removed())

    def files(self) -> set[str]:
        """Return the generated names of the files that documents refer to, those that snapshots hold included."""
        with self._database.reading() as connection:
            names = select(documents.c.file).where(documents.c.base_id == self._base_id)
            return set(connection.execute(names).scalars())

    def kept_chunk_ids(self, ids: Collection[int]) -> set[int]:
        """Return which of these ids are chunks of versions that only snapshots hold."""
        kept = (
            select(chunks.c.id)
            .join(documents)
            .where(documents.c.base_id == self._base_id, documents.c.state.not_in(LIVE))
        )
        found: set[int] = set()
        with self._database.reading() as connection:
            for part in batched(sorted(ids), IDS_A_QUERY):
                found.update(connection.execute(kept.where(chunks.c.id.in_(part))).scalars())
        return found

    def chunks(self, ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:
        """Return the chunks of indexed documents among these ids of the stores; ids of anything else are left out.

        A chunk with copies is shown at the first place that the filter lets through, its other places beside it.
        """
        places: dict[int, list[Row[Any]]] = {}
        with self._database.reading() as connection:
            for part in batched(ids, IDS_A_QUERY):
                found = self._places_of(connection, part).where(*self._let_through(filters))
                for row in connection.execute(found):
                    places.setdefault(row.stored, []).append(row)
        return {id_: _chunk(rows[0], rows[1:]) for id_, rows in places.items()}

    def chunk(self, id_: int) -> Chunk | None:
        """Return a chunk of an indexed document, a copy of another one too, unless it is out of search."""
        query = self._chunk_rows(DocumentState.INDEXED).where(chunks.c.id == id_, _enabled())
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return _chunk(row) if row else None

    def stored_ids(self, ids: Sequence[int]) -> list[int]:
        """Return for each chunk the id that the stores have for it: its own, or that of the one it is a copy of."""
        with self._database.reading() as connection:
            originals = originals_of(connection, ids)
        return [originals.get(id_, id_) for id_ in ids]

    def chunk_ids(self, filters: Filter | None = None) -> list[int]:
        """Return the searchable ids of the stores, in order; those with a place that the filter lets through."""
        places = self._places(documents.c.base_id == self._base_id).where(*self._let_through(filters))
        stored = places.with_only_columns(_STORED).distinct().order_by("stored")
        with self._database.reading() as connection:
            return list(connection.execute(stored).scalars())

    def chunk_count(self) -> int:
        """Return how many chunks are searchable, copies of others among them."""
        searchable = (self._mine(DocumentState.INDEXED), _enabled())
        query = select(func.count()).select_from(chunks.join(documents)).where(*searchable)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def _mine(self, state: DocumentState | None = None) -> ColumnElement[bool]:
        states = LIVE if state is None else (state,)
        return (documents.c.base_id == self._base_id) & documents.c.state.in_(states)

    def _chunk_rows(self, state: DocumentState) -> Select[Any]:
        rows = chunks.join(documents).outerjoin(edited_chunks)
        return (
            select(chunks, documents.c.name, edited_chunks.c.text.label("edited"))
            .select_from(rows)
            .where(self._mine(state))
        )

    def _let_through(self, filters: Filter | None) -> list[ColumnElement[bool]]:
        return list(conditions(filters, self._base_id)) if filters else []

    def _places(self, of_base: ColumnElement[bool]) -> Select[Any]:
        """Select what can be searched: each chunk or copy, and the id in the stores that it is found by."""
        copies = chunk_copies.c.chunk_id == chunks.c.id
        joined = chunks.join(documents).outerjoin(edited_chunks).outerjoin(chunk_copies, copies)
        columns = (chunks, documents.c.name, edited_chunks.c.text.label("edited"), _STORED)
        indexed = documents.c.state == DocumentState.INDEXED
        return select(*columns).select_from(joined).where(of_base, indexed, _enabled())

    def _places_of(self, connection: Connection, ids: Sequence[int]) -> Select[Any]:
        """Select what these ids of the stores stand for, in order.

        The copies are fetched first: SQLite reads every chunk if the condition says "one of these or a copy of them".
        For the same reason the base is not named as an index knows it: SQLite would go through its documents instead.
        """
        copies = connection.execute(select(chunk_copies.c.chunk_id).where(chunk_copies.c.original_id.in_(ids)))
        places = self._places(func.coalesce(documents.c.base_id, "") == self._base_id)
        by_id = chunks.c.id.in_([*ids, *copies.scalars()])
        return places.where(by_id, _STORED.in_(ids)).order_by(chunks.c.id)

    def _row(
        self,
        name: str,
        state: DocumentState,
        sha256: str,
        file: str,
        *,
        pages: int | None = None,
        error: str | None = None,
    ) -> dict[str, Any]:
        values = {"base_id": self._base_id, "name": name, "state": state, "sha256": sha256, "file": file}
        return {**values, "pages": pages, "error": error, "created": datetime.now(UTC).replace(tzinfo=None)}

    def _remove_unfinished(self, connection: Connection, name: str) -> Removed:
        unfinished = documents.c.state.in_((DocumentState.PENDING, DocumentState.FAILED))
        return self._remove(connection, documents.c.name == name, unfinished)

    def _insert(self, connection: Connection, arrival: Arrival) -> Pending:
        document = arrival.document
        row = self._row(document.name, DocumentState.PENDING, arrival.sha256, arrival.file, pages=document.pages)
        document_id = connection.execute(insert(documents).values(row).returning(documents.c.id)).scalar_one()
        connection.execute(insert(document_texts).values(document_id=document_id, text=document.text))
        keyed = set(range(len(arrival.slices))) - arrival.reworded if self._originals else set()
        pending = insert_chunks(connection, document_id, document, arrival.slices, keyed)
        if self._originals is None or not keyed:
            return pending
        compared = {pending.chunk_ids[index]: pending.texts[index] for index in sorted(keyed)}
        return without(pending, self._originals.link(connection, compared))

    def _remove(self, connection: Connection, *conditions: ColumnElement[bool]) -> Removed:
        rows = connection.execute(select(documents.c.id, documents.c.file).where(self._mine(), *conditions)).all()
        return retire(connection, {row.id: row.file for row in rows})


def _called(name: str, *, below: bool) -> ColumnElement[bool]:
    itself = documents.c.name == name
    return itself | documents.c.name.startswith(f"{name}/", autoescape=True) if below else itself


def _enabled() -> ColumnElement[bool]:
    return chunks.c.id.not_in(select(disabled_chunks.c.chunk_id))


def _document_columns() -> list[ColumnElement[Any]]:
    return [documents.c[name] for name in ("id", "name", "state", "sha256", "file", "pages", "error", "created")]


def _document(values: dict[str, Any]) -> StoredDocument:
    return StoredDocument(**{**values, "state": DocumentState(values["state"])})


def _chunk(row: Row[Any], others: Sequence[Row[Any]] = ()) -> Chunk:
    also = tuple(
        ChunkPosition(
            chunk_id=o.id, document=o.name, start=o.start, end=o.end, page=o.page, heading_path=tuple(o.heading_path)
        )
        for o in others
    )
    text, edited = (row.text, False) if row.edited is None else (row.edited, True)
    return Chunk(
        id=row.id,
        document=row.name,
        text=text,
        start=row.start,
        end=row.end,
        page=row.page,
        heading_path=tuple(row.heading_path),
        edited=edited,
        also=also,
    )


def _pending(document_id: int, part: list[Chunk]) -> Pending:
    return Pending(
        document_id=document_id,
        chunk_ids=tuple(chunk.id for chunk in part),
        texts=tuple(chunk.searchable for chunk in part),
    )
