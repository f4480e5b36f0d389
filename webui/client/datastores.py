"""kNN-LM datastores of a base."""

from datetime import datetime
from typing import Any

from webui.client.bases import place
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
