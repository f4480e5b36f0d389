"""Who calls, and what they may see: the one check of API keys, for routes and for MCP alike."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import Headers

from kb_server.access.keys import LOCAL, Caller, Scope
from kb_server.api.service import CurrentService, Service, running_service
from kb_server.bases.service import BaseSummary
from kb_server.catalog.bases import missing_base
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import KbError, Unauthorized


def authenticate(service: Service, headers: Headers, address: str) -> Caller:
    """Return who calls, by `Authorization: Bearer` or `X-API-Key`, and count the request against their rate.

    `address` is where the request comes from; wrong keys are counted against it. Raises Unauthorized or RateLimited.
    """
    caller = checked_key(service, headers, address)
    service.rate.take(caller.id)
    return caller


def checked_key(service: Service, headers: Headers, address: str) -> Caller:
    """Return whose key a request has; raises Unauthorized."""
    if not service.app.settings.service.auth:
        return LOCAL
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    try:
        if not key:
            raise Unauthorized("This needs an API key.", "Send it as: Authorization: Bearer KEY")
        return service.app.access.check(key)
    except Unauthorized:
        service.refusals.take(address)
        raise


def caller_of(request: Request) -> Caller:
    """Return who calls; raises Unauthorized or RateLimited."""
    address = request.client.host if request.client else "nowhere"
    caller = authenticate(running_service(request), request.headers, address)
    request.state.caller = caller
    return caller


CurrentCaller = Annotated[Caller, Depends(caller_of)]


def base_named(service: Service, caller: Caller, name: str) -> KnowledgeBase:
    """Return a base that the caller may see; raises NotFound, the same for one it may not."""
    base = service.app.bases.find(name)
    owner = service.app.catalog.temporary.owner(base.id)
    if not caller.sees(base.id) or owner not in (None, caller.id):
        raise missing_base(name)
    return base


def visible_bases(service: Service, caller: Caller) -> list[KnowledgeBase]:
    """Return the bases that the caller may see, by name, without anybody's temporary files."""
    hidden = service.app.catalog.temporary.ids()
    return [base for base in service.app.bases.all() if caller.sees(base.id) and base.id not in hidden]


def visible_summaries(service: Service, caller: Caller) -> list[BaseSummary]:
    """Return the same bases, each with how much of it is searchable."""
    hidden = service.app.catalog.temporary.ids()
    return [one for one in service.app.bases.summaries() if caller.sees(one.base.id) and one.base.id not in hidden]


def current_base(base: str, service: CurrentService, caller: CurrentCaller) -> KnowledgeBase:
    """Return the base that the path names."""
    return base_named(service, caller, base)


CurrentBase = Annotated[KnowledgeBase, Depends(current_base)]


def audited(action: str, scope: Scope) -> Any:  # noqa: ANN401 - what Depends returns
    """Require a scope for a route that changes something, and note who did it and how it ended."""

    def note(request: Request, service: CurrentService, caller: CurrentCaller) -> Iterator[None]:
        subject = request.url.path
        try:
            caller.require(scope)
            yield
        except KbError as error:
            service.app.catalog.audit.note(caller.id, action, subject, error.code)
            raise
        service.app.catalog.audit.note(caller.id, action, subject)

    return Depends(note)
