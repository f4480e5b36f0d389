"""Knowledge bases."""

from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import quote

from webui.client.connection import Connection, Shape


class Datastore(Shape):
    """A datastore of one language model; `tuned` is None where its mixing was not fitted."""

    model: str
    changed: datetime
    bytes: int
    tuned: dict[str, Any] | None


class Found(Shape):
    """The datastores there are; `possible` says whether the service's language model can make one."""

    possible: bool
    datastores: list[Datastore]


class Datastores:
    """Those of one base."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._place = f"{place(base)}/knn"

    def all(self) -> Found:
        """Return them, the one that changed last first."""
        return Found.model_validate(self._connection.get(self._place))

    def build(self, tune: bool) -> None:
        """Begin to read what the datastore does not have, and then perhaps to fit how it mixes."""
        self._connection.post(self._place, {"tune": tune})


ROOT = "/api/v1/knowledge-bases"


class Splitting(Shape):
    """How documents are cut: tokens of a chunk, tokens that neighbours share, and by what."""

    size: int
    overlap: int
    by: str
    delimiter: str


class Base(Shape):
    """A knowledge base."""

    name: str
    description: str = ""
    store: str
    embedder: str
    better_embedder: str | None = None
    documents: int
    chunks: int
    splitting: Splitting
    created: datetime


def place(base: str) -> str:
    """Return a base's path."""
    return f"{ROOT}/{quote(base, safe='')}"


class Bases:
    """The bases that the key is for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Base]:
        """Return them by name."""
        return [Base.model_validate(one) for one in self._connection.get(ROOT)["knowledge_bases"]]

    def create(self, name: str, store: str | None = None, embedder: str | None = None, description: str = "") -> Base:
        """Make an empty one."""
        body = {"name": name, "store": store, "embedder": embedder, "description": description}
        return Base.model_validate(self._connection.post(ROOT, {key: value for key, value in body.items() if value}))

    def describe(self, name: str, description: str) -> None:
        """Say what one is about; the empty text takes back what was said."""
        self._connection.patch(place(name), {"description": description})

    def questions(self, name: str, count: int) -> list[str]:
        """Return questions that its own text answers."""
        found: list[str] = self._connection.get(f"{place(name)}/questions", count=count)["questions"]
        return found

    def export(self, name: str) -> bytes:
        """Return one with everything in it, as a file."""
        return self._connection.content(f"{place(name)}/export")

    def bring_in(self, file: tuple[str, BinaryIO], name: str | None) -> Base:
        """Make one of an exported file, under its own name or another."""
        fields = {"name": name} if name else {}
        return Base.model_validate(self._connection.upload("/api/v1/import", [("file", file)], fields))

    def reindex(self, name: str, embedder: str) -> None:
        """Begin to embed one again with another model."""
        self._connection.post(f"{place(name)}/reindex", {"embedder": embedder})

    def cut(self, name: str, splitting: Splitting, drop_edits: bool) -> None:
        """Begin to cut the documents of one again; those with edited chunks only if these may go."""
        wanted = splitting.model_dump() if splitting.by == "delimiter" else splitting.model_dump(exclude={"delimiter"})
        self._connection.post(f"{place(name)}/reindex", {"splitting": wanted, "drop_edits": drop_edits})

    def migrate(self, name: str, store: str) -> None:
        """Begin to move one to another store."""
        self._connection.post(f"{place(name)}/migrate", {"store": store})

    def delete(self, name: str) -> None:
        """Delete one with everything in it."""
        self._connection.delete(place(name))
