"""Chunks that say no more than another one: they have its `vector_id`, so that the stores hold the same words once.

A chunk's vector id is its own id until it is linked. From then on it is that of the chunk it was linked to, which it
keeps when that one goes: no store is touched. Whoever finds a vector id is shown the places of its chunks that are
searchable. What holds at any time: if the chunk that a vector id was named after is still there, it has that vector id.
"""

import struct
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, update

from kb_server.catalog.database import batched
from kb_server.catalog.schema import LIVE, chunks, disabled_chunks, documents, edited_chunks
from kb_server.core.domain import DocumentState, searchable_text
from kb_server.text.near_duplicates import Buckets, keys, says_all_of, words

_earlier, _owner = chunks.alias("earlier"), documents.alias("owner")
_HELD = (DocumentState.PENDING, DocumentState.INDEXED)  # what the stores have, or will have


def likeness(text: str) -> bytes | None:
    """Return what a chunk's row keeps so that texts like it are found later."""
    found = keys(words(text))
    return struct.pack(f">{len(found)}q", *found) if found else None


class Originals:
    """Finds the words of a base that say all that a new chunk says. Not for several threads at once."""

    def __init__(self, base_id: str) -> None:
        self._mine = documents.c.base_id == base_id
        self._buckets = Buckets()  # of vector ids
        self._newest = 0

    def link(self, connection: Connection, texts: Mapping[int, str]) -> set[int]:
        """Give new chunks (id -> text) the vector ids of what says the same in the base or before them among these.

        Returns those that got another than their own.
        """
        self._learn(connection, texts.keys())
        linked: dict[int, int] = {}
        for id_, text in texts.items():
            said = words(text)
            found = keys(said)
            candidates = self._buckets.candidates(found)
            vector_id = self._saying(connection, candidates, said) if candidates else None
            if vector_id is None:
                self._buckets.add(id_, found)
            else:
                linked[id_] = vector_id
        if linked:
            change = update(chunks).where(chunks.c.id == bindparam("chunk")).values(vector_id=bindparam("vector"))
            connection.execute(change, [{"chunk": id_, "vector": vector_id} for id_, vector_id in linked.items()])
        self._newest = max(self._newest, *texts)
        return set(linked)

    def _learn(self, connection: Connection, new: Collection[int]) -> None:
        """Take in what was written since the last time, by whatever process: ids only grow."""
        query = (
            select(chunks.c.document_id, chunks.c.vector_id, chunks.c.likeness)
            .where(chunks.c.id > self._newest, chunks.c.id < min(new), chunks.c.likeness.is_not(None))
            .where(_no_earlier())
        )
        # Not joined: SQLite would go through every document of the base for a few chunks.
        rows = connection.execute(query).all()
        mine = set(connection.execute(select(documents.c.id).where(self._mine)).scalars()) if rows else set()
        for document_id, vector_id, packed in rows:
            if document_id in mine:
                self._buckets.add(vector_id, struct.unpack(f">{len(packed) // 8}q", packed))

    def _saying(self, connection: Connection, candidates: Sequence[int], said: Sequence[str]) -> int | None:
        """Return the first vector id whose words are there and say all of it; some may be of what is gone."""
        there = {row.vector_id: row for row in connection.execute(self._standing(chunks.c.id.in_(candidates)))}
        for vector_id in candidates:
            # Where the chunk that the id was named after is gone, the first that has it now speaks for the others.
            heir = self._standing(chunks.c.vector_id == vector_id).order_by(chunks.c.id).limit(1)
            row = there.get(vector_id) or connection.execute(heir).first()
            if row and says_all_of(words(searchable_text(tuple(row.heading_path), row.text)), said):
                return vector_id
        return None

    def _standing(self, which: ColumnElement[bool]) -> Select[tuple[int, list[str], str]]:
        return (
            select(chunks.c.vector_id, chunks.c.heading_path, chunks.c.text)
            .join(documents)
            .where(self._mine, documents.c.state.in_(_HELD), enabled(), which)
            .where(chunks.c.id.not_in(select(edited_chunks.c.chunk_id)))
        )


def separate(connection: Connection, id_: int) -> None:
    """Give a chunk a vector id that no other has; if it was named after this chunk, the others get the next."""
    vector_id = connection.execute(select(chunks.c.vector_id).where(chunks.c.id == id_)).scalar_one()
    if vector_id != id_:
        connection.execute(update(chunks).where(chunks.c.id == id_).values(vector_id=id_))
        return
    others = (chunks.c.vector_id == id_) & (chunks.c.id != id_)
    first = connection.execute(select(func.min(chunks.c.id)).where(others)).scalar()
    if first is not None:
        connection.execute(update(chunks).where(others).values(vector_id=first))


def searchable(connection: Connection, vector_ids: Collection[int]) -> set[int]:
    """Return which of these ids the stores should have: those with a chunk that is searched, or soon will be."""
    return _with(connection, vector_ids, documents.c.state.in_(_HELD) & enabled())


def kept(connection: Connection, vector_ids: Collection[int]) -> set[int]:
    """Return which of these ids belong to versions that only snapshots hold."""
    return _with(connection, vector_ids, documents.c.state.not_in(LIVE))


def enabled(chunk_id: ColumnElement[int] = chunks.c.id) -> ColumnElement[bool]:
    """Return the condition that a person has not taken a chunk out of search."""
    return chunk_id.not_in(select(disabled_chunks.c.chunk_id))


def is_first() -> ColumnElement[bool]:
    """Return the condition that a chunk is the first of those with its vector id that the stores should have."""
    return _no_earlier(_owner.c.id == _earlier.c.document_id, _owner.c.state.in_(_HELD), enabled(_earlier.c.id))


def _no_earlier(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    same = (_earlier.c.vector_id == chunks.c.vector_id, _earlier.c.id < chunks.c.id)
    return ~select(_earlier.c.id).where(*same, *more).exists()


def _with(connection: Connection, vector_ids: Collection[int], which: ColumnElement[bool]) -> set[int]:
    found: set[int] = set()
    for part in batched(vector_ids):
        rows = select(chunks.c.vector_id).join(documents).where(chunks.c.vector_id.in_(part), which)
        found.update(connection.execute(rows.distinct()).scalars())
    return found
