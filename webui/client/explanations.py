"""Why a chunk was found, or not."""

from webui.client.connection import Shape


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
