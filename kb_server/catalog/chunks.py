"""Rows of one knowledge base's chunks, and what a person did to single ones of them.

A chunk's own id names its text for good. The stores know a chunk by its `vector_id`, which it has in common with those
that say the same words (see near_duplicates): a search finds such an id, and shows the first of its chunks.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, or_, select

from kb_server.catalog.database import Database, batched
from kb_server.catalog.near_duplicates import enabled, kept, searchable, separate
from kb_server.catalog.removal import Removed
from kb_server.catalog.schema import LIVE, chunks, disabled_chunks, document_tags, documents, edited_chunks
from kb_server.core.domain import Chunk, ChunkPosition, DocumentState, Filter
from kb_server.core.errors import NotFound


def conditions(filters: Filter, base_id: str) -> Iterator[ColumnElement[bool]]:
    """Yield what must all be true of a chunk and its document."""
    if filters.documents or filters.folder:
        yield _named(filters)
    if filters.tags:
        tagged = select(document_tags.c.document).where(
            document_tags.c.base_id == base_id, document_tags.c.tag.in_(filters.tags)
        )
        yield documents.c.name.in_(tagged)
    if filters.pages:
        yield chunks.c.page.between(*filters.pages)
    if filters.since:
        yield documents.c.created >= filters.since
    if filters.until:
        yield documents.c.created < filters.until


def _named(filters: Filter) -> ColumnElement[bool]:
    either: list[ColumnElement[bool]] = []
    if filters.documents:
        either.append(documents.c.name.in_(filters.documents))
    if filters.folder:
        either.append(documents.c.name.startswith(filters.folder.rstrip("/") + "/", autoescape=True))
    return or_(*either)


_CHUNKS_CHANGE = "A document's chunks change when it does."


class Chunks:
    """The chunks of one knowledge base; a ChunkSource."""

    def __init__(self, database: Database, base_id: str) -> None:
        self._database = database
        self._base_id = base_id

    def by_vector(self, vector_ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:
        """Return the chunks of indexed documents behind these ids of the stores; ids of anything else are left out.

        One of several with the same words is shown at the first place that the filter lets through, the others beside.
        """
        places: dict[int, list[Row[Any]]] = {}
        # The base is not named as an index knows it: SQLite would go through its documents instead of these ids.
        rows = self._places(func.coalesce(documents.c.base_id, "") == self._base_id, filters).order_by(chunks.c.id)
        with self._database.reading() as connection:
            for part in batched(vector_ids):
                for row in connection.execute(rows.where(chunks.c.vector_id.in_(part))):
                    places.setdefault(row.vector_id, []).append(row)
        return {id_: chunk_of(found[0], found[1:]) for id_, found in places.items()}

    def by_id(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """Return the searchable ones of these chunks; of those with the same words each stands for itself."""
        rows = self._places(func.coalesce(documents.c.base_id, "") == self._base_id).order_by(chunks.c.id)
        with self._database.reading() as connection:
            parts = batched(ids)
            found = [row for part in parts for row in connection.execute(rows.where(chunks.c.id.in_(part)))]
        return {row.id: chunk_of(row) for row in found}

    def find(self, id_: int) -> Chunk | None:
        """Return a chunk of an indexed document, unless it is out of search."""
        return self.by_id([id_]).get(id_)

    def vector_ids(self, filters: Filter | None = None) -> list[int]:
        """Return the searchable ids of the stores, in order; those with a place that the filter lets through."""
        places = self._places(documents.c.base_id == self._base_id, filters)
        query = places.with_only_columns(chunks.c.vector_id).distinct().order_by(chunks.c.vector_id)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def ids(self, filters: Filter | None = None) -> list[int]:
        """Return the ids of the searchable chunks that the filter lets through, in order, the same words once."""
        places = self._places(documents.c.base_id == self._base_id, filters)
        query = places.with_only_columns(func.min(chunks.c.id)).group_by(chunks.c.vector_id)
        with self._database.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def vector_ids_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return by chunk id the id that the stores have for it; chunks that are not there are left out."""
        found: dict[int, int] = {}
        with self._database.reading() as connection:
            for part in batched(ids):
                query = select(chunks.c.id, chunks.c.vector_id).where(chunks.c.id.in_(part))
                found.update((row.id, row.vector_id) for row in connection.execute(query))
        return found

    def kept(self, vector_ids: Collection[int]) -> set[int]:
        """Return which of these ids of the stores belong to versions that snapshots hold."""
        with self._database.reading() as connection:
            return kept(connection, vector_ids)

    def count(self) -> int:
        """Return how many chunks are searchable, each place of the same words counted."""
        query = self._places(documents.c.base_id == self._base_id).with_only_columns(func.count())
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def of_document(self, document_id: int, limit: int | None = None, offset: int = 0) -> list[Chunk]:
        """Return chunks of an indexed document, in reading order; all of them if there is no limit."""
        query = chunk_rows().where(*self._mine(DocumentState.INDEXED), documents.c.id == document_id)
        page = query.order_by(chunks.c.start, chunks.c.id).limit(limit).offset(offset)
        with self._database.reading() as connection:
            return [chunk_of(row) for row in connection.execute(page)]

    def disabled(self, document_id: int) -> set[int]:
        """Return the ids of a document's chunks that were taken out of search."""
        mine = select(chunks.c.id).where(chunks.c.document_id == document_id)
        query = select(disabled_chunks.c.chunk_id).where(disabled_chunks.c.chunk_id.in_(mine))
        with self._database.reading() as connection:
            return set(connection.execute(query).scalars())

    def disable(self, chunk_id: int) -> Removed:
        """Take a chunk out of search; returns what it leaves in the stores. Raises NotFound unless it was in."""
        there = self._places(documents.c.base_id == self._base_id).where(chunks.c.id == chunk_id)
        with self._database.writing() as connection:
            row = connection.execute(there).first()
            if row is None:
                raise NotFound(f"There is no searchable chunk {chunk_id} here.", _CHUNKS_CHANGE)
            connection.execute(insert(disabled_chunks).values(chunk_id=chunk_id))
            left = searchable(connection, [row.vector_id])
        return Removed(() if left else (row.vector_id,))

    def enable(self, chunk_id: int) -> None:
        """Put a chunk back into search; raises NotFound unless it was taken out."""
        mine = select(chunks.c.id).join(documents).where(*self._mine(*LIVE), chunks.c.id == chunk_id)
        with self._database.writing() as connection:
            if not connection.execute(delete(disabled_chunks).where(disabled_chunks.c.chunk_id.in_(mine))).rowcount:
                raise NotFound(f"There is no disabled chunk {chunk_id} here.", _CHUNKS_CHANGE)

    def edit(self, chunk_id: int, text: str) -> None:
        """Give a chunk another wording; the document's text and the chunk's offsets in it stay.

        It shares no words with other chunks any more, so it or they need a vector of their own.
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
            return set(connection.execute(query.where(*self._mine(*LIVE))).scalars())

    def marked(self) -> dict[int, tuple[int, int]]:
        """Return by document id how many of its chunks are edited, and disabled, where there are any."""
        counts = (func.count(edited_chunks.c.chunk_id), func.count(disabled_chunks.c.chunk_id))
        rows = chunks.join(documents).outerjoin(edited_chunks)
        rows = rows.outerjoin(disabled_chunks, disabled_chunks.c.chunk_id == chunks.c.id)
        some = edited_chunks.c.chunk_id.is_not(None) | disabled_chunks.c.chunk_id.is_not(None)
        query = select(documents.c.id, *counts).select_from(rows).where(*self._mine(DocumentState.INDEXED), some)
        with self._database.reading() as connection:
            found = connection.execute(query.group_by(documents.c.id))
            return {id_: (edited, disabled) for id_, edited, disabled in found}

    def _mine(self, *states: DocumentState) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return documents.c.base_id == self._base_id, documents.c.state.in_(states)

    def _places(self, of_base: ColumnElement[bool], filters: Filter | None = None) -> Select[Any]:
        """Select what can be searched, as far as the filter lets it through."""
        let_through = conditions(filters, self._base_id) if filters else ()
        return chunk_rows().where(of_base, documents.c.state == DocumentState.INDEXED, enabled(), *let_through)


def chunk_rows() -> Select[Any]:
    """Select chunks with the name of their document and the wording that a person gave them."""
    rows = chunks.join(documents).outerjoin(edited_chunks)
    return select(chunks, documents.c.name, edited_chunks.c.text.label("edited")).select_from(rows)


def chunk_of(row: Row[Any], others: Sequence[Row[Any]] = ()) -> Chunk:
    """Return a row of `chunk_rows` as a chunk; the others are further places of its words."""
    return Chunk(
        id=row.id,
        document_id=row.document_id,
        document=row.name,
        text=row.text if row.edited is None else row.edited,
        start=row.start,
        end=row.end,
        page=row.page,
        heading_path=tuple(row.heading_path),
        edited=row.edited is not None,
        also=tuple(_position(other) for other in others),
    )


def _position(row: Row[Any]) -> ChunkPosition:
    path = tuple(row.heading_path)
    return ChunkPosition(
        chunk_id=row.id, document=row.name, start=row.start, end=row.end, page=row.page, heading_path=path
    )
