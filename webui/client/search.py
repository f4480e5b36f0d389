"""Search."""

from collections.abc import Sequence
from typing import Any

from webui.client.bases import place
from webui.client.chunks import Hit
from webui.client.connection import Connection, Shape


class Standing(Shape):
    """Where a chunk stands at one stage; None where that stage did not find it."""

    stage: str
    rank: int | None
    score: float | None


class Limit(Shape):
    """A limit on the way into an answer."""

    limit: str
    value: float
    passed: bool


class Explanation(Shape):
    """A chunk's way through the search, stage by stage, and the limits in the order they apply."""

    chunk_id: int
    document: str
    stages: list[Standing]
    limits: list[Limit]


class Search:
    """Finds passages."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(
        self, bases: Sequence[str], question: str, k: int, only: dict[str, Any] | None = None, mode: str = "hybrid"
    ) -> list[Hit]:
        """Return the best passages of all bases, best first."""
        body: dict[str, Any] = {"knowledge_bases": list(bases), "question": question, "k": k, "mode": mode}
        if only:
            body["only"] = only
        return [Hit.model_validate(one) for one in self._connection.post("/api/v1/search", body)["hits"]]

    def explain(self, base: str, question: str, chunk_id: int, k: int) -> Explanation:
        """Say why a chunk was found, or not."""
        body = {"question": question, "chunk_id": chunk_id, "k": k}
        return Explanation.model_validate(self._connection.post(f"{place(base)}/explain", body))
