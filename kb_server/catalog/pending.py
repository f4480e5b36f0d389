"""Rows of a document that comes in: what is to be written of it, and what is then to be indexed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert

from kb_server.catalog.near_duplicates import likeness
from kb_server.catalog.schema import chunks
from kb_server.core.domain import Document, Slice, searchable_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A document to be written: the sha256 and generated name of its file, and how its text is cut.

    `reworded` are indices of slices that will get another wording, so that their text says nothing about them.
    """

    sha256: str
    file: str
    document: Document
    slices: Sequence[Slice]
    reworded: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A document whose rows are written and whose vectors are not known to be: chunk ids and what to index of each.

    Copies of other chunks are not among them; `indices` says of a document just written which of its slices are.
    """

    document_id: int
    chunk_ids: tuple[int, ...]
    texts: tuple[str, ...]
    indices: tuple[int, ...] = field(default=(), compare=False)


def insert_chunks(
    connection: Connection, document_id: int, document: Document, slices: Sequence[Slice], keyed: Collection[int]
) -> Pending:
    """Write a document's chunks, in order; those whose indices are in `keyed` can be found as like others."""
    texts = tuple(searchable_text(part.heading_path, document.text[part.start : part.end]) for part in slices)
    rows = [
        {
            "document_id": document_id,
            "text": document.text[part.start : part.end],
            "start": part.start,
            "end": part.end,
            "page": part.page,
            "heading_path": list(part.heading_path),
            "likeness": likeness(text) if index in keyed else None,
        }
        for index, (part, text) in enumerate(zip(slices, texts, strict=True))
    ]
    inserted = insert(chunks).returning(chunks.c.id, sort_by_parameter_order=True)
    ids = connection.execute(inserted, rows).scalars().all() if rows else []
    return Pending(document_id=document_id, chunk_ids=tuple(ids), texts=texts, indices=tuple(range(len(ids))))


def without(pending: Pending, copies: Collection[int]) -> Pending:
    """Leave out the chunks that turned out to be copies of others."""
    kept = [index for index, id_ in enumerate(pending.chunk_ids) if id_ not in copies]
    ids, texts = (pending.chunk_ids[index] for index in kept), (pending.texts[index] for index in kept)
    return Pending(document_id=pending.document_id, chunk_ids=tuple(ids), texts=tuple(texts), indices=tuple(kept))
