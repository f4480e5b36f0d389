"""Rows of knowledge bases."""

import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from kb_server.catalog.database import Database
from kb_server.catalog.schema import chunks, documents, knowledge_bases, temporary_bases
from kb_server.core.domain import Calibration, DocumentState, Fusion, KnowledgeBase, SplitBy, Splitting
from kb_server.core.errors import AlreadyExists, NotFound


class TemporaryBases:
    """Which bases are temporary, and whose."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, base_id: str, owner: str) -> None:
        """Make a base one owner's, as their newest."""
        newest = select(func.coalesce(func.max(temporary_bases.c.number), 0) + 1).scalar_subquery()
        with self._database.writing() as connection:
            connection.execute(insert(temporary_bases).values(base_id=base_id, owner=owner, number=newest))

    def owner(self, base_id: str) -> str | None:
        """Return whose a base is; None for an ordinary one."""
        query = select(temporary_bases.c.owner).where(temporary_bases.c.base_id == base_id)
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def ids(self) -> set[str]:
        """Return the ids of all temporary bases."""
        with self._database.reading() as connection:
            return set(connection.execute(select(temporary_bases.c.base_id)).scalars())

    def names(self, owner: str) -> list[str]:
        """Return the names of an owner's temporary bases, oldest first."""
        query = select(knowledge_bases.c.name).join(temporary_bases).where(temporary_bases.c.owner == owner)
        with self._database.reading() as connection:
            return list(connection.execute(query.order_by(temporary_bases.c.number)).scalars())


class Bases:
    """The knowledge bases of a catalog, found by their exact name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        store: str,
        embedder: str,
        fingerprint: str,
        dimension: int,
        splitting: Splitting | None = None,
        description: str = "",
    ) -> KnowledgeBase:
        """Add a base under a generated id; raises AlreadyExists."""
        base = KnowledgeBase(
            id=secrets.token_hex(8),
            name=name,
            store=store,
            embedder=embedder,
            fingerprint=fingerprint,
            dimension=dimension,
            fusion=None,
            created=datetime.now(UTC).replace(tzinfo=None),
            splitting=splitting,
            description=description,
        )
        row = {column.name: getattr(base, column.name) for column in knowledge_bases.columns}
        row["splitting"] = asdict(splitting) if splitting else None
        with self._database.writing() as connection:
            try:
                connection.execute(insert(knowledge_bases).values(row))
            except IntegrityError as error:
                raise _taken(name) from error
        return base

    def find(self, name: str) -> KnowledgeBase:
        """Return the base of exactly this name; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(knowledge_bases).where(knowledge_bases.c.name == name)).first()
        if row is None:
            raise missing_base(name)
        return _base(row)

    def current(self, base: KnowledgeBase) -> KnowledgeBase:
        """Return the row of a base as it is now; raises NotFound if the base was deleted."""
        with self._database.reading() as connection:
            row = connection.execute(select(knowledge_bases).where(knowledge_bases.c.id == base.id)).first()
        if row is None:
            raise missing_base(base.name)
        return _base(row)

    def all(self) -> list[KnowledgeBase]:
        """Return all bases by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(knowledge_bases).order_by(knowledge_bases.c.name)).all()
        return [_base(row) for row in rows]

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return (indexed documents, their chunks) by base id; bases without any are left out."""
        query = (
            select(documents.c.base_id, func.count(documents.c.id.distinct()), func.count(chunks.c.id))
            .select_from(documents.outerjoin(chunks))
            .where(documents.c.state == DocumentState.INDEXED)
            .group_by(documents.c.base_id)
        )
        with self._database.reading() as connection:
            return {base_id: (documents_, chunks_) for base_id, documents_, chunks_ in connection.execute(query)}

    def set_splitting(self, base_id: str, splitting: Splitting) -> None:
        """Say how a base cuts what comes in from now on."""
        changed = update(knowledge_bases).where(knowledge_bases.c.id == base_id)
        with self._database.writing() as connection:
            connection.execute(changed.values(splitting=asdict(splitting)))

    def describe(self, base_id: str, text: str) -> None:
        """Say what a base is about, in place of what was said before."""
        changed = update(knowledge_bases).where(knowledge_bases.c.id == base_id)
        with self._database.writing() as connection:
            connection.execute(changed.values(description=text))

    def set_fusion(self, base_id: str, fusion: Fusion) -> None:
        """Keep newly fitted fusion weights."""
        changed = update(knowledge_bases).where(knowledge_bases.c.id == base_id)
        with self._database.writing() as connection:
            connection.execute(changed.values(fusion=_fusion_row(fusion)))

    def set_calibration(self, base_id: str, fusion: Fusion | None, calibration: Calibration) -> None:
        """Keep what tuning fitted, all at once."""
        changed = update(knowledge_bases).where(knowledge_bases.c.id == base_id)
        values = {"fusion": _fusion_row(fusion), "calibration": asdict(calibration)}
        with self._database.writing() as connection:
            connection.execute(changed.values(values))

    def switch(self, base: KnowledgeBase) -> None:
        """Put a base's new name, store, vectors, embedder and what was fitted in the place of the old, all at once."""
        names = ("name", "store", "vectors", "embedder", "fingerprint", "dimension")
        values = {name: getattr(base, name) for name in names} | {"fusion": _fusion_row(base.fusion)}
        values["calibration"] = asdict(base.calibration) if base.calibration else None
        with self._database.writing() as connection:
            try:
                connection.execute(update(knowledge_bases).where(knowledge_bases.c.id == base.id).values(values))
            except IntegrityError as error:
                raise _taken(base.name) from error

    def delete(self, base_id: str) -> None:
        """Remove a base with its documents and chunks."""
        with self._database.writing() as connection:
            connection.execute(delete(knowledge_bases).where(knowledge_bases.c.id == base_id))


def missing_base(name: str) -> NotFound:
    """Return what to say where there is no base of this name, or none that the caller may see."""
    return NotFound(
        f"There is no knowledge base named '{name}'.",
        f"See the names with: kb list; make one with: kb create {name}",
    )


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"A knowledge base named '{name}' exists already.",
        f"Choose another name, or remove it with: kb delete {name}",
    )


def _fusion_row(fusion: Fusion | None) -> dict[str, Any] | None:
    return {"weights": dict(fusion.weights), "chunks": fusion.chunks} if fusion else None


def _base(row: Row[Any]) -> KnowledgeBase:
    values = row._asdict()
    if values["fusion"] is not None:
        values["fusion"] = Fusion(**values["fusion"])
    if values["splitting"] is not None:
        values["splitting"] = Splitting(**{**values["splitting"], "by": SplitBy(values["splitting"]["by"])})
    if values["calibration"] is not None:
        kept = values["calibration"]
        values["calibration"] = Calibration(**{**kept, "weights": tuple(kept["weights"])})
    return KnowledgeBase(**values)
