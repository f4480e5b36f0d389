"""Knowledge bases."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from kb_server.access.keys import Caller, Scope
from kb_server.api.auth import CurrentBase, CurrentCaller, audited, visible_bases, visible_summaries
from kb_server.api.fields import BaseName, Taken, example
from kb_server.api.service import CurrentService, Service
from kb_server.bases.names import LONGEST_DESCRIPTION
from kb_server.bases.service import BaseSummary
from kb_server.core.domain import KnowledgeBase, SplitBy
from kb_server.core.errors import Forbidden, NotFound
from kb_server.embedding.model_folder import better_embedder, local_embedders


def known_embedders(service: Service, caller: Caller) -> set[str]:
    """Return the embedders that are on this machine or in use here, by name."""
    used = (base.embedder for base in visible_bases(service, caller))
    return {service.app.settings.embedding.model, *used, *local_embedders()}


def refuse_unknown_embedder(service: Service, caller: Caller, name: str | None) -> None:
    """Raise NotFound for any other name: what a client sends is never tried as a path."""
    if name is not None and name not in known_embedders(service, caller):
        raise NotFound(f"There is no embedder '{name[:80]}' here.", "See the names with: GET /api/v1/models")


Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]


class SplittingChange(Taken):
    """How documents are cut, where that is to be otherwise: tokens of a chunk, tokens that neighbours share."""

    model_config = example(size=300, overlap=40)

    size: Annotated[int, Field(ge=20, le=4000)] | None = None
    overlap: Annotated[int, Field(ge=0, le=4000)] | None = None
    by: SplitBy | None = None
    delimiter: Annotated[str, Field(max_length=100)] | None = None

    def change(self) -> dict[str, Any]:
        """Return it as the application takes it."""
        return self.model_dump(exclude_none=True)


class Splitting(BaseModel):
    """How documents that come in are cut."""

    size: int
    overlap: int
    by: SplitBy
    delimiter: str


class NewBase(Taken):
    """A knowledge base to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "handbook", "description": "Rules for travel and expenses"}]}
    )

    name: BaseName
    store: str | None = None
    embedder: str | None = None
    description: Description = ""
    splitting: SplittingChange = SplittingChange()


class BaseChange(Taken):
    """What a base is about, in place of what was said before."""

    model_config = example(description="Rules for travel and expenses, 2026")

    description: Description


class Base(BaseModel):
    """A knowledge base; `description` says in a person's words what it is about.

    `better_embedder` is the model that would find more, where there is one: see its re-indexing.
    """

    name: str
    description: str
    store: str
    embedder: str
    better_embedder: str | None
    documents: int
    chunks: int
    splitting: Splitting
    created: datetime


class Bases(BaseModel):
    """Knowledge bases by name."""

    knowledge_bases: list[Base]


router = APIRouter(prefix="/api/v1/knowledge-bases", tags=["knowledge bases"])


@router.get("")
def list_bases(service: CurrentService, caller: CurrentCaller) -> Bases:
    """List the bases that the key is for."""
    return Bases(knowledge_bases=[base_json(service, one) for one in visible_summaries(service, caller)])


@router.post("", status_code=201, dependencies=[audited("base.create", Scope.ADMIN)])
def create_base(new: NewBase, service: CurrentService, caller: CurrentCaller) -> Base:
    """Make an empty base."""
    refuse_restricted(caller)
    refuse_unknown_embedder(service, caller, new.embedder)
    made = service.app.bases.create(new.name, new.store, new.embedder, new.splitting.change(), new.description)
    return base_json(service, BaseSummary(made, 0, 0))


@router.get("/{base}")
def get_base(base: CurrentBase, service: CurrentService) -> Base:
    """Return one base."""
    return _summed(service, base)


@router.patch("/{base}", dependencies=[audited("base.describe", Scope.WRITE)])
def describe_base(change: BaseChange, base: CurrentBase, service: CurrentService) -> Base:
    """Say what a base is about; the empty text takes back what was said."""
    return _summed(service, service.app.bases.describe(base, change.description))


@router.delete("/{base}", status_code=204, dependencies=[audited("base.delete", Scope.ADMIN)])
def delete_base(base: CurrentBase, service: CurrentService) -> Response:
    """Delete a base with its documents and jobs. Conversations about it stay."""
    service.app.bases.delete(base.name)
    return Response(status_code=204)


def refuse_restricted(caller: Caller) -> None:
    """Raise Forbidden for a key that is for certain bases only: it may not make others."""
    if caller.base_ids is not None:
        raise Forbidden("This key is for certain knowledge bases only.", "Use a key for all of them.")


def _summed(service: Service, base: KnowledgeBase) -> Base:
    return base_json(service, service.app.bases.summary(base))


def base_json(service: Service, one: BaseSummary) -> Base:
    """Return a base as the API gives it."""
    base = one.base
    return Base(
        name=base.name,
        description=base.description,
        store=base.store,
        embedder=base.embedder,
        better_embedder=better_embedder(base.embedder),
        documents=one.documents,
        chunks=one.chunks,
        splitting=Splitting(**asdict(service.app.ingest.splitting(base))),
        created=base.created,
    )
