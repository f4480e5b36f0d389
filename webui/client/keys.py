"""API keys, for administrators."""

from collections.abc import Sequence
from datetime import datetime

from webui.client.connection import Connection, Shape

ROOT = "/api/v1/keys"


class Key(Shape):
    """A key without its secret; `knowledge_bases` None: all."""

    id: str
    name: str
    scope: str
    knowledge_bases: list[str] | None
    created: datetime
    revoked: datetime | None


class Keys:
    """All keys of the service."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Key]:
        """Return them by name."""
        return [Key.model_validate(one) for one in self._connection.get(ROOT)["keys"]]

    def create(self, name: str, scope: str, bases: Sequence[str]) -> str:
        """Make one and return it, this once."""
        body = {"name": name, "scope": scope, "knowledge_bases": list(bases) or None}
        key: str = self._connection.post(ROOT, body)["key"]
        return key

    def revoke(self, key_id: str) -> None:
        """Make one invalid at once."""
        self._connection.delete(f"{ROOT}/{key_id}")
