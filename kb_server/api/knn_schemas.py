"""kNN-LM in requests and answers: `"knn_lm": true`, or single options, and where each token came from."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kb_server.api.schemas import Taken, example
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
    sentences: Annotated[int, Field(ge=1, le=100)] | None = None


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


class BuildKnn(Taken):
    """What to do beside reading what is new: make the datastore `anew`, and `tune` how it mixes when it is there."""

    model_config = example(tune=True)

    anew: bool = False
    tune: bool = False


class Datastore(BaseModel):
    """A datastore: the model that made it, when it last changed (UTC), its size, and how it mixes if it was tuned."""

    model: str
    changed: datetime
    bytes: int
    tuned: dict[str, Any] | None


class Datastores(BaseModel):
    """The datastores of a base; one can be built if that is `possible` with the language model of the settings."""

    possible: bool
    datastores: list[Datastore]
