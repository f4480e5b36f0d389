"""Whether the service lives, and what Prometheus reads."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from kb_server import __version__
from kb_server.api.auth import CurrentCaller
from kb_server.api.request_log import CONTENT_TYPE
from kb_server.api.service import CurrentService
from kb_server.core.errors import TryLater


class Me(BaseModel):
    """Who the key is."""

    id: str
    scope: str
    knowledge_bases: list[str] | None


class Health(BaseModel):
    """Whether the service works."""

    status: Literal["ok"]
    version: str


router = APIRouter(tags=["health"])


@router.get("/health/live")
def live() -> Health:
    """Say that the process answers."""
    return Health(status="ok", version=__version__)


@router.get("/health/ready")
def ready(service: CurrentService) -> Health:
    """Say that the catalog can be read and work is taken."""
    if service.stopping.is_set():
        raise TryLater("The service is stopping.", "Try again when it is up.", 5)
    service.app.bases.all()
    return Health(status="ok", version=__version__)


@router.get("/metrics", response_class=Response)
def metrics(service: CurrentService, caller: CurrentCaller) -> Response:  # noqa: ARG001 - any valid key may read it
    """Return this process's counts in Prometheus' text format."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/api/v1/me")
def me(service: CurrentService, caller: CurrentCaller) -> Me:
    """Say who the key is and what it may do."""
    names = None
    if caller.base_ids is not None:
        names = [base.name for base in service.app.bases.all() if base.id in caller.base_ids]
    return Me(id=caller.id, scope=caller.scope, knowledge_bases=names)
