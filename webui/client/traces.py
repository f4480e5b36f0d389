"""Where the words of an answer came from, if the base's own text took part in choosing them (kNN-LM)."""

from pydantic import Field

from webui.client.connection import Shape


class Source(Shape):
    """A place that made a token likelier: `start` counts characters of the document, `mass` is its share."""

    document: str
    chunk_id: int
    start: int
    mass: float


class OriginOfToken(Shape):
    """A written token: the neighbours' share (`weight`, lambda), and how much of its probability they gave."""

    token: str
    weight: float = Field(alias="lambda")
    mass: float
    probability: float
    entropy: float
    decided: bool
    sources: tuple[Source, ...] = ()

    @property
    def share(self) -> float:
        """How much of the token's probability came from the base's text, 0..1."""
        return min(1.0, self.mass / self.probability) if self.probability else 0.0


class Trace(Shape):
    """All tokens of an answer; `reason` says why no neighbours were asked."""

    keys: int
    decided: int
    reason: str | None
    tokens: tuple[OriginOfToken, ...]
