"""kNN-LM in requests and answers: `"knn_lm": true`, or single options, and where each token came from."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kb_server.mixing import Scope


class KnnOptions(BaseModel):
    """How the base's datastore takes part; what is left out is as tuned for the base or as the settings say."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    scope: Scope | None = None
    passages: Annotated[int, Field(ge=1, le=100)] | None = None
    closed_book: bool | None = None
    k: Annotated[int, Field(ge=1, le=4096)] | None = None
    temperature: Annotated[float, Field(gt=0, le=1000)] | None = None
    weight: float | None = Field(default=None, ge=0, le=1, alias="lambda")
    cap: Annotated[float, Field(ge=0, le=1)] | None = None


KnnChoice = bool | KnnOptions | None


class KnnSource(BaseModel):
    """A place that made a token likelier: `offset` counts tokens, `start` characters of the document."""

    document: str
    chunk_id: int
    offset: int
    start: int
    mass: float


class KnnToken(BaseModel):
    """A written token: the neighbours' share (lambda), how much of its probability they gave, its likeliest source."""

    token: str
    weight: float = Field(alias="lambda")
    mass: float
    probability: float
    entropy: float
    decided: bool
    document: str | None
    chunk_id: int | None
    offset: int | None
    start: int | None
    sources: list[KnnSource]


class KnnTrace(BaseModel):
    """Where an answer's tokens came from; `reason` says why no keys were compared."""

    keys: int
    decided: int
    reason: str | None
    tokens: list[KnnToken]


def knn_choice(choice: KnnChoice) -> bool | dict[str, Any] | None:
    """Return a request's choice as the application takes it."""
    return choice.model_dump() if isinstance(choice, KnnOptions) else choice
