"""kNN-LM datastores of a base: which there are, and building one as a job."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, CurrentCaller, audited
from kb_server.api.fields import Taken, example
from kb_server.api.service import CurrentService
from kb_server.api.v1.jobs import JobDetail, job_json
from kb_server.catalog.jobs import JobKind
from kb_server.core.knn_lm import KnnScope


class KnnOptions(BaseModel):
    """How the base's datastore takes part; what is left out is as tuned for the base or as the settings say."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    scope: KnnScope | None = None
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


router = APIRouter(prefix="/api/v1/knowledge-bases/{base}/knn", tags=["kNN-LM"])


@router.get("")
def list_datastores(base: CurrentBase, service: CurrentService) -> Datastores:
    """List the datastores of a base, the one that changed last first; each is of one model."""
    states = service.app.knn_lm.states(base)
    return Datastores(possible=service.app.models.gives_states, datastores=[Datastore(**asdict(one)) for one in states])


@router.post("", status_code=202, dependencies=[audited("knn.build", Scope.WRITE)])
def build_datastore(asked: BuildKnn, base: CurrentBase, service: CurrentService, caller: CurrentCaller) -> JobDetail:
    """Read the base's text with the language model and keep a key for each token; returns the job.

    Only what the datastore does not have is read, unless it is to be made `anew`.
    """
    service.app.models.require_states()
    request = {"anew": asked.anew, "tune": asked.tune}
    return job_json(service.app.jobs.submit_task(base.id, caller.id, JobKind.KNN, request), [])
