"""Rows of a document that comes in: what is to be written of it, and what is then to be indexed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, insert, update

from kb_server.catalog.near_duplicates import likeness
from kb_server.catalog.schema import chunks, edited_chunks
from kb_server.core.domain import Document, Slice, searchable_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A document to be written: sha256, generated name and bytes of its file, and how its text is cut.

    `reworded` has other wordings of slices, by their index.
    """

    sha256: str
    file: str
    document: Document
    slices: Sequence[Slice]
    size: int | None = None
    reworded: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A document whose rows are written and whose vectors are not known to be: vector ids and what to index of each.

    Chunks with the words of others are not among them; `indices` says of a document just written which slices are.
    """

    document_id: int
    vector_ids: tuple[int, ...]
    texts: tuple[str, ...]
    indices: tuple[int, ...] = field(default=(), compare=False)


def insert_chunks(connection: Connection, document_id: int, arrival: Arrival, *, keyed: bool) -> Pending:
    """Write a document's chunks, in order, each with a vector id of its own.

    If `keyed`, those in the document's own wording can be found as like others.
    """
    text, worded = arrival.document.text, arrival.reworded
    texts = [searchable_text(part.heading_path, text[part.start : part.end]) for part in arrival.slices]
    rows = [
        {
            "document_id": document_id,
            "text": text[part.start : part.end],
            "start": part.start,
            "end": part.end,
            "page": part.page,
            "heading_path": list(part.heading_path),
            "likeness": likeness(searchable) if keyed and index not in worded else None,
        }
        for index, (part, searchable) in enumerate(zip(arrival.slices, texts, strict=True))
    ]
    inserted = insert(chunks).returning(chunks.c.id, sort_by_parameter_order=True)
    ids = connection.execute(inserted, rows).scalars().all() if rows else []
    connection.execute(update(chunks).where(chunks.c.document_id == document_id).values(vector_id=chunks.c.id))
    for index, wording in worded.items():
        connection.execute(insert(edited_chunks).values(chunk_id=ids[index], text=wording))
        texts[index] = searchable_text(arrival.slices[index].heading_path, wording)
    return Pending(document_id=document_id, vector_ids=tuple(ids), texts=tuple(texts), indices=tuple(range(len(ids))))


def without(pending: Pending, linked: Collection[int]) -> Pending:
    """Leave out the chunks that turned out to say what others say."""
    kept = [index for index, id_ in enumerate(pending.vector_ids) if id_ not in linked]
    ids, texts = (pending.vector_ids[index] for index in kept), (pending.texts[index] for index in kept)
    return replace(pending, vector_ids=tuple(ids), texts=tuple(texts), indices=tuple(kept))
