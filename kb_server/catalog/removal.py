"""Rows of documents that go, and what they leave behind in the stores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, String, cast, delete, literal, select, update

from kb_server.catalog.near_duplicates import IDS_A_QUERY, deserted, hand_over
from kb_server.catalog.schema import chunks, documents, snapshot_documents
from kb_server.core.domain import DocumentState

LIVE = tuple(DocumentState)  # every state but those of versions set aside for snapshots


@dataclass(frozen=True, slots=True)
class Removed:
    """What rows that are gone leave behind in the stores: chunk ids, and generated names of files.

    `shared` has pairs (id that stays in the stores, id of a chunk that is kept for a snapshot and has the same words).
    """

    chunk_ids: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    shared: tuple[tuple[int, int], ...] = ()

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.chunk_ids + other.chunk_ids, self.files + other.files, self.shared + other.shared)


def retire(connection: Connection, files: Mapping[int, str]) -> Removed:
    """Take documents (id -> file) out of a base: versions that a snapshot holds are set aside, the rest is deleted."""
    removed = Removed()
    for ids in batched(list(files), IDS_A_QUERY):
        shared = hand_over(connection, ids)
        rows = select(chunks.c.id, chunks.c.document_id).where(chunks.c.document_id.in_(ids))
        owners: dict[int, int] = {row.id: row.document_id for row in connection.execute(rows)}
        in_snapshots = select(snapshot_documents.c.document_id).where(snapshot_documents.c.document_id.in_(ids))
        held = set(connection.execute(in_snapshots).scalars())
        kept = literal("kept-") + cast(documents.c.id, String)
        connection.execute(update(documents).where(documents.c.id.in_(held)).values(state=kept))
        connection.execute(delete(documents).where(documents.c.id.in_([id_ for id_ in ids if id_ not in held])))
        lonely = deserted(connection, [stored for stored, _ in shared]) - owners.keys()
        gone = tuple(files[id_] for id_ in ids if id_ not in held)
        removed += Removed((*owners, *lonely), gone, tuple(pair for pair in shared if owners[pair[1]] in held))
    return removed


def batched(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Cut a sequence into parts that fit into one statement."""
    return (ids[start : start + size] for start in range(0, len(ids), size))
