"""Rows of one knowledge base's documents.

A document is written `pending` with its chunks, becomes `indexed` in a second transaction that also removes the version
it replaces, and is `failed` if it cannot be read. Whoever removes rows gets what they leave behind, to take it out
of the stores afterwards; the catalog always goes first. A version that a snapshot holds is not removed but set aside in
a state of its own, which only `files`, `size` and the snapshots see.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, insert, select, update

from kb_server.catalog.chunks import Chunks, chunk_of, chunk_rows
from kb_server.catalog.database import Database
from kb_server.catalog.near_duplicates import Originals, is_first
from kb_server.catalog.pending import Arrival, Pending, insert_chunks, without
from kb_server.catalog.removal import Removed, retire
from kb_server.catalog.schema import LIVE, chunks, document_texts, documents, now
from kb_server.core.domain import Chunk, Document, DocumentState, Slice, StoredDocument
from kb_server.core.errors import NotFound

_COLUMNS = [
    documents.c[name] for name in ("id", "name", "state", "sha256", "file", "pages", "error", "created", "size")
]


class Documents:
    """The documents of one knowledge base; `chunks` are its chunks. With `once`, the same words are indexed once."""

    def __init__(self, database: Database, base_id: str, *, once: bool = True) -> None:
        self.chunks = Chunks(database, base_id)
        self._database = database
        self._base_id = base_id
        self._originals = Originals(base_id) if once else None

    def all(self) -> list[StoredDocument]:
        """Return every document by name, in whatever state."""
        return self.page()

    def page(self, limit: int | None = None, offset: int = 0, name: str | None = None) -> list[StoredDocument]:
        """Return some of the documents by name, in whatever state; with `name` those of this name."""
        query = self._counted().order_by(documents.c.name, documents.c.id).limit(limit).offset(offset)
        if name is not None:
            query = query.where(documents.c.name == name)
        with self._database.reading() as connection:
            return [_document(row._asdict()) for row in connection.execute(query)]

    def count(self, name: str | None = None) -> int:
        """Return how many documents there are, in whatever state; with `name` those of this name."""
        named = () if name is None else (documents.c.name == name,)
        query = select(func.count()).select_from(documents).where(self._mine(), *named)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def find(self, id_: int) -> StoredDocument:
        """Return the document with this id; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(self._counted().where(documents.c.id == id_)).first()
        if row is None:
            raise NotFound(f"There is no document {id_} here.", "Its id changes when another version replaces it.")
        return _document(row._asdict())

    def size(self) -> int:
        """Return how many bytes the files have together, those that snapshots hold included, as far as it is known."""
        query = select(func.coalesce(func.sum(documents.c.size), 0)).where(documents.c.base_id == self._base_id)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def unsized(self) -> dict[int, str]:
        """Return the files of which no size is known, by document id; those that snapshots hold included."""
        query = select(documents.c.id, documents.c.file).where(
            documents.c.base_id == self._base_id, documents.c.size.is_(None), documents.c.file != ""
        )
        with self._database.reading() as connection:
            return {row.id: row.file for row in connection.execute(query)}

    def set_sizes(self, sizes: Mapping[int, int]) -> None:
        """Note the bytes of files, by document id."""
        if not sizes:
            return
        change = update(documents).where(documents.c.id == bindparam("document")).values(size=bindparam("bytes"))
        with self._database.writing() as connection:
            connection.execute(change, [{"document": id_, "bytes": size} for id_, size in sizes.items()])

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

    def begin(
        self, sha256: str, file: str, document: Document, slices: Sequence[Slice], size: int | None = None
    ) -> tuple[Pending, Removed]:
        """Write a document `pending` with its chunks; returns it and what an unfinished try that it replaces left."""
        arrival = Arrival(sha256=sha256, file=file, document=document, slices=slices, size=size)
        (pending,), removed = self.begin_all([arrival])
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
        rows = chunk_rows().where(self._mine(DocumentState.PENDING), is_first()).order_by(chunks.c.start, chunks.c.id)
        with self._database.reading() as connection:
            ids = select(documents.c.id).where(self._mine(DocumentState.PENDING)).order_by(documents.c.id)
            found: dict[int, dict[int, Chunk]] = {id_: {} for id_ in connection.execute(ids).scalars()}
            for row in connection.execute(rows):
                found[row.document_id][row.vector_id] = chunk_of(row)
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
            row = {"base_id": self._base_id, "name": name, "state": DocumentState.FAILED, "created": now()}
            connection.execute(insert(documents).values(row | {"sha256": sha256, "file": "", "error": reason}))
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

    def _mine(self, state: DocumentState | None = None) -> ColumnElement[bool]:
        states = LIVE if state is None else (state,)
        return (documents.c.base_id == self._base_id) & documents.c.state.in_(states)

    def _counted(self) -> Select[Any]:
        """Select documents with the number of their chunks."""
        count = select(func.count()).where(chunks.c.document_id == documents.c.id).scalar_subquery()
        return select(*_COLUMNS, count.label("chunks")).where(self._mine())

    def _remove_unfinished(self, connection: Connection, name: str) -> Removed:
        unfinished = documents.c.state.in_((DocumentState.PENDING, DocumentState.FAILED))
        return self._remove(connection, documents.c.name == name, unfinished)

    def _insert(self, connection: Connection, arrival: Arrival) -> Pending:
        document = arrival.document
        row = {"base_id": self._base_id, "name": document.name, "state": DocumentState.PENDING, "created": now()}
        row |= {"sha256": arrival.sha256, "file": arrival.file, "size": arrival.size, "pages": document.pages}
        document_id = connection.execute(insert(documents).values(row).returning(documents.c.id)).scalar_one()
        connection.execute(insert(document_texts).values(document_id=document_id, text=document.text))
        pending = insert_chunks(connection, document_id, arrival, keyed=self._originals is not None)
        if self._originals is None:
            return pending
        own = [index for index in pending.indices if index not in arrival.reworded]
        compared = {pending.vector_ids[index]: pending.texts[index] for index in own}
        return without(pending, self._originals.link(connection, compared)) if compared else pending

    def _remove(self, connection: Connection, *conditions: ColumnElement[bool]) -> Removed:
        rows = connection.execute(select(documents.c.id, documents.c.file).where(self._mine(), *conditions)).all()
        return retire(connection, {row.id: row.file for row in rows})


def _called(name: str, *, below: bool) -> ColumnElement[bool]:
    itself = documents.c.name == name
    return itself | documents.c.name.startswith(f"{name}/", autoescape=True) if below else itself


def _document(values: dict[str, Any]) -> StoredDocument:
    return StoredDocument(**{**values, "state": DocumentState(values["state"])})


def _pending(document_id: int, part: Mapping[int, Chunk]) -> Pending:
    texts = tuple(chunk.searchable for chunk in part.values())
    return Pending(document_id=document_id, vector_ids=tuple(part), texts=texts)
