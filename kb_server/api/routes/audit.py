"""The audit log."""

from typing import Annotated

from fastapi import APIRouter, Query

from kb_server.api.schemas import AuditEntry, AuditPage
from kb_server.api.service import CurrentCaller, CurrentService
from kb_server.services.keys import Scope

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
    entries = service.app.audit.latest(limit, before)
    return AuditPage(entries=[AuditEntry.model_validate(one, from_attributes=True) for one in entries])
