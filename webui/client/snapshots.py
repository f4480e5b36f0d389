"""Snapshots of a base."""

from datetime import datetime
from urllib.parse import quote

from webui.client.bases import place
from webui.client.connection import Connection, Shape


class Snapshot(Shape):
    """What a base held at a moment."""

    name: str
    created: datetime
    documents: int
    chunks: int


class Difference(Shape):
    """Names of documents that only the later state has, only the earlier has, and that changed between them."""

    added: list[str]
    removed: list[str]
    changed: list[str]


class Restored(Difference):
    """What a restore did, and the snapshot that undoes it."""

    undo: str


class Snapshots:
    """The snapshots of one base."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._place = f"{place(base)}/snapshots"

    def all(self) -> list[Snapshot]:
        """Return them, the oldest first."""
        return [Snapshot.model_validate(one) for one in self._connection.get(self._place)["snapshots"]]

    def create(self, name: str) -> None:
        """Name what the base holds now."""
        self._connection.post(self._place, {"name": name})

    def diff(self, name: str, later: str | None = None) -> Difference:
        """Compare one with a later one, or with now."""
        return Difference.model_validate(self._connection.get(f"{self._of(name)}/diff", later=later))

    def restore(self, name: str) -> Restored:
        """Bring one back."""
        return Restored.model_validate(self._connection.post(f"{self._of(name)}/restore"))

    def delete(self, name: str) -> None:
        """Forget one."""
        self._connection.delete(self._of(name))

    def _of(self, name: str) -> str:
        return f"{self._place}/{quote(name, safe='')}"
