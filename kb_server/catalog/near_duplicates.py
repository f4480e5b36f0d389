"""Chunks that say no more than another one: linked to it, so that the stores hold the same words once.

The chunk in the stores is the original. It stands for itself and its copies, which are its places: whoever finds it is
shown the places that are searchable. When its document goes and a copy stays, the two rows change places: the copy
takes over the id that the stores know, in the transaction that removes the document, and no store is touched.
"""

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from kb_server.catalog.schema import chunk_copies, chunks, disabled_chunks, documents, edited_chunks
from kb_server.core.domain import DocumentState, searchable_text
from kb_server.text.near_duplicates import Buckets, keys, says_all_of, words

IDS_A_QUERY = 500  # SQLite takes some 32,000 bound values, older builds 999
_HELD = (DocumentState.PENDING, DocumentState.INDEXED)  # what the stores have, or will have
_MOVED = [chunks.c[name] for name in ("document_id", "text", "start", "end", "page", "heading_path", "likeness")]


def likeness(text: str) -> bytes | None:
    """Return what a chunk's row keeps so that texts like it are found later."""
    found = keys(words(text))
    return struct.pack(f">{len(found)}q", *found) if found else None


class Originals:
    """Finds the chunk of a base that says all that a new one says. Not for several threads at once."""

    def __init__(self, base_id: str) -> None:
        self._mine = documents.c.base_id == base_id
        self._buckets = Buckets()
        self._newest = 0

    def link(self, connection: Connection, texts: Mapping[int, str]) -> set[int]:
        """Link new chunks (id -> text) to originals in the base or before them among these; returns those linked."""
        self._learn(connection, texts.keys())
        linked: dict[int, int] = {}
        for id_, text in texts.items():
            said = words(text)
            found = keys(said)
            candidates = self._buckets.candidates(found)
            original = self._original(connection, candidates, said) if candidates else None
            if original is None:
                self._buckets.add(id_, found)
            else:
                linked[id_] = original
        if linked:
            rows = [{"chunk_id": id_, "original_id": original} for id_, original in linked.items()]
            connection.execute(insert(chunk_copies), rows)
        self._newest = max(self._newest, *texts)
        return set(linked)

    def _learn(self, connection: Connection, new: Collection[int]) -> None:
        """Take in what was written since the last time, by whatever process: ids only grow."""
        query = (
            select(chunks.c.document_id, chunks.c.id, chunks.c.likeness)
            .where(chunks.c.id > self._newest, chunks.c.id < min(new), chunks.c.likeness.is_not(None))
            .where(chunks.c.id.not_in(select(chunk_copies.c.chunk_id)))
        )
        # Not joined: SQLite would go through every document of the base for a few chunks.
        rows = connection.execute(query).all()
        mine = set(connection.execute(select(documents.c.id).where(self._mine)).scalars()) if rows else set()
        for document_id, id_, packed in rows:
            if document_id in mine:
                self._buckets.add(id_, struct.unpack(f">{len(packed) // 8}q", packed))

    def _original(self, connection: Connection, candidates: Sequence[int], said: Sequence[str]) -> int | None:
        """Return the first candidate that is there and says all of it; ids of what is gone may be among them."""
        query = (
            select(chunks.c.id, chunks.c.heading_path, chunks.c.text)
            .join(documents)
            .where(self._mine, documents.c.state.in_(_HELD), chunks.c.id.in_(candidates))
            .where(chunks.c.id.not_in(select(disabled_chunks.c.chunk_id)))
            .where(chunks.c.id.not_in(select(edited_chunks.c.chunk_id)))
            .where(chunks.c.id.not_in(select(chunk_copies.c.chunk_id)))
        )
        there = {row.id: searchable_text(tuple(row.heading_path), row.text) for row in connection.execute(query)}
        return next((id_ for id_ in candidates if id_ in there and says_all_of(words(there[id_]), said)), None)


def hand_over(connection: Connection, document_ids: Collection[int]) -> list[tuple[int, int]]:
    """Give the originals of documents that are about to go to copies that stay, and unlink the documents' own copies.

    Returns (id in the stores, id that the leaving document's chunk has from now on) of both, for whoever keeps vectors.
    """
    leaving = select(chunks.c.id).where(chunks.c.document_id.in_(document_ids))
    heir = func.min(chunk_copies.c.chunk_id)
    staying = (
        select(chunk_copies.c.original_id, heir)
        .where(chunk_copies.c.original_id.in_(leaving), chunk_copies.c.chunk_id.not_in(leaving))
        .where(chunk_copies.c.chunk_id.not_in(select(disabled_chunks.c.chunk_id)))
        .group_by(chunk_copies.c.original_id)
    )
    swapped = [(original, copy) for original, copy in connection.execute(staying)]
    own = select(chunk_copies.c.original_id, chunk_copies.c.chunk_id).where(chunk_copies.c.chunk_id.in_(leaving))
    unlinked = [(original, copy) for original, copy in connection.execute(own)]
    connection.execute(delete(chunk_copies).where(chunk_copies.c.chunk_id.in_(leaving)))
    _swap(connection, swapped)
    connection.execute(delete(chunk_copies).where(chunk_copies.c.original_id.in_(leaving)))  # of disabled copies
    return swapped + unlinked


def separate(connection: Connection, id_: int) -> None:
    """Unlink a chunk from those of the same words, whichever of them is in the stores."""
    either = (chunk_copies.c.chunk_id == id_) | (chunk_copies.c.original_id == id_)
    connection.execute(delete(chunk_copies).where(either))


def deserted(connection: Connection, originals: Sequence[int]) -> set[int]:
    """Return which of these originals are out of search themselves and have no copy left that is not."""
    disabled = select(disabled_chunks.c.chunk_id)
    standing = select(chunk_copies.c.original_id).where(chunk_copies.c.chunk_id.not_in(disabled))
    found: set[int] = set()
    for start in range(0, len(originals), IDS_A_QUERY):
        these = disabled_chunks.c.chunk_id.in_(originals[start : start + IDS_A_QUERY])
        found.update(connection.execute(disabled.where(these, disabled_chunks.c.chunk_id.not_in(standing))).scalars())
    return found


def originals_of(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return for those of these chunks that are copies the ids that the stores have for them."""
    found: dict[int, int] = {}
    for start in range(0, len(ids), IDS_A_QUERY):
        query = select(chunk_copies).where(chunk_copies.c.chunk_id.in_(ids[start : start + IDS_A_QUERY]))
        found.update((row.chunk_id, row.original_id) for row in connection.execute(query))
    return found


def is_no_copy() -> ColumnElement[bool]:
    """Return the condition that a chunk is in the stores itself."""
    return chunks.c.id.not_in(select(chunk_copies.c.chunk_id))


def _swap(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Exchange all of two chunks but their ids; the second is no copy any more."""
    pairs = list(pairs)
    if not pairs:
        return
    rows: dict[int, dict[str, Any]] = {}
    ids = [id_ for pair in pairs for id_ in pair]
    for start in range(0, len(ids), IDS_A_QUERY):
        query = select(chunks.c.id, *_MOVED).where(chunks.c.id.in_(ids[start : start + IDS_A_QUERY]))
        rows.update((row["id"], dict(row)) for row in connection.execute(query).mappings())
    changed = [{**rows[a], "id": b} for first, second in pairs for a, b in ((first, second), (second, first))]
    other = update(chunks).where(chunks.c.id == bindparam("id_"))
    connection.execute(other, [{"id_": row.pop("id"), **row} for row in changed])
    both = [{"original": original, "copy": copy} for original, copy in pairs]
    connection.execute(delete(chunk_copies).where(chunk_copies.c.chunk_id == bindparam("copy")), both)
    marks = update(disabled_chunks).where(disabled_chunks.c.chunk_id == bindparam("original"))
    connection.execute(marks.values(chunk_id=bindparam("copy")), both)
