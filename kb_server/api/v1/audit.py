"""The audit log."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentCaller
from kb_server.api.service import CurrentService


class AuditEntry(BaseModel):
    """Who (a key's id) tried what, and how it ended: `ok` or an error's code."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str


class AuditPage(BaseModel):
    """Audit entries, newest first."""

    entries: list[AuditEntry]


router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


@router.get("")
def read_audit(
    service: CurrentService,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int, Query(ge=1, le=1 << 62)] | None = None,
) -> AuditPage:
    """Return who changed what, newest first; older than the entry `before` if it is given. For administrators."""
    caller.require(Scope.ADMIN)
    entries = service.app.catalog.audit.latest(limit, before)
    return AuditPage(entries=[AuditEntry.model_validate(one, from_attributes=True) for one in entries])
