"""Knowledge bases."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from kb_server.api.models import refuse_unknown_embedder
from kb_server.api.schemas import Base, BaseChange, Bases, NewBase, Splitting
from kb_server.api.service import CurrentBase, CurrentCaller, CurrentService, Service, audited
from kb_server.domain import KnowledgeBase
from kb_server.errors import Forbidden
from kb_server.services.keys import Caller, Scope
from kb_server.services.knowledge_bases import BaseSummary

router = APIRouter(prefix="/api/v1/knowledge-bases", tags=["knowledge bases"])


@router.get("")
def list_bases(service: CurrentService, caller: CurrentCaller) -> Bases:
    """List the bases that the key is for."""
    hidden = service.app.temporary.ids()
    visible = [one for one in service.app.knowledge_bases.all() if caller.sees(one.base.id)]
    return Bases(knowledge_bases=[base_json(service, one) for one in visible if one.base.id not in hidden])


@router.post("", status_code=201, dependencies=[audited("base.create", Scope.ADMIN)])
def create_base(new: NewBase, service: CurrentService, caller: CurrentCaller) -> Base:
    """Make an empty base."""
    refuse_restricted(caller)
    refuse_unknown_embedder(service, caller, new.embedder)
    made = service.app.create(new.name, new.store, new.embedder, new.splitting.change(), new.description)
    return base_json(service, BaseSummary(made, 0, 0))


@router.get("/{base}")
def get_base(base: CurrentBase, service: CurrentService) -> Base:
    """Return one base."""
    return _summed(service, base)


@router.patch("/{base}", dependencies=[audited("base.describe", Scope.WRITE)])
def describe_base(change: BaseChange, base: CurrentBase, service: CurrentService) -> Base:
    """Say what a base is about; the empty text takes back what was said."""
    return _summed(service, service.app.knowledge_bases.describe(base, change.description))


@router.delete("/{base}", status_code=204, dependencies=[audited("base.delete", Scope.ADMIN)])
def delete_base(base: CurrentBase, service: CurrentService) -> Response:
    """Delete a base with its documents and jobs. Conversations about it stay."""
    service.app.knowledge_bases.delete(base.name)
    return Response(status_code=204)


def refuse_restricted(caller: Caller) -> None:
    """Raise Forbidden for a key that is for certain bases only: it may not make others."""
    if caller.base_ids is not None:
        raise Forbidden("This key is for certain knowledge bases only.", "Use a key for all of them.")


def _summed(service: Service, base: KnowledgeBase) -> Base:
    documents, chunks = service.app.bases.sizes().get(base.id, (0, 0))
    return base_json(service, BaseSummary(base, documents, chunks))


def base_json(service: Service, one: BaseSummary) -> Base:
    """Return a base as the API gives it."""
    base = one.base
    return Base(
        name=base.name,
        description=base.description,
        store=base.store,
        embedder=base.embedder,
        documents=one.documents,
        chunks=one.chunks,
        splitting=Splitting(**asdict(service.app.splitting(base))),
        created=base.created,
    )
