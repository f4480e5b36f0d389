"""Rows of documents that go, and what they leave behind in the stores."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, String, cast, delete, literal, select, update

from kb_server.catalog.database import batched
from kb_server.catalog.near_duplicates import kept, searchable
from kb_server.catalog.schema import chunks, documents, snapshot_documents


@dataclass(frozen=True, slots=True)
class Removed:
    """What is left behind of rows that are gone: ids that the stores need no more, and generated names of files."""

    vector_ids: tuple[int, ...] = ()
    files: tuple[str, ...] = ()

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.vector_ids + other.vector_ids, self.files + other.files)


def retire(connection: Connection, files: Mapping[int, str]) -> Removed:
    """Take documents (id -> file) out of a base: versions that a snapshot holds are set aside, the rest is deleted."""
    had = _vector_ids(connection, files)
    gone: tuple[str, ...] = ()
    for ids in batched(files):
        in_snapshots = select(snapshot_documents.c.document_id).where(snapshot_documents.c.document_id.in_(ids))
        held = set(connection.execute(in_snapshots).scalars())
        aside = literal("kept-") + cast(documents.c.id, String)
        connection.execute(update(documents).where(documents.c.id.in_(held)).values(state=aside))
        connection.execute(delete(documents).where(documents.c.id.in_([id_ for id_ in ids if id_ not in held])))
        gone += tuple(files[id_] for id_ in ids if id_ not in held)
    return Removed(tuple(sorted(had - searchable(connection, had))), gone)


def forget(connection: Connection, files: Mapping[int, str]) -> Removed:
    """Delete versions (id -> file) that were set aside and no snapshot holds any more."""
    had = _vector_ids(connection, files)
    for ids in batched(files):
        connection.execute(delete(documents).where(documents.c.id.in_(ids)))
    return Removed(tuple(sorted(had - kept(connection, had))), tuple(files.values()))


def _vector_ids(connection: Connection, document_ids: Collection[int]) -> set[int]:
    found: set[int] = set()
    for ids in batched(document_ids):
        query = select(chunks.c.vector_id).where(chunks.c.document_id.in_(ids))
        found.update(connection.execute(query).scalars())
    return found
