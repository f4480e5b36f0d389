"""What a running service has, and how a route reaches it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated, Any

from fastapi import Depends, Request

from kb_server.access.keys import LOCAL, Caller, Scope
from kb_server.api.concurrency import BoundedExecutor, RateLimit
from kb_server.api.request_log import Metrics
from kb_server.app import Application
from kb_server.core.answers import AnswerMode
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import KbError, NotFound, Unauthorized
from kb_server.runtime.processors import cores

_SEARCH_THREADS = 4  # more only wait for each other, where nothing waits for another machine


@dataclass(frozen=True, slots=True)
class Service:
    """The use cases, with the threads and limits they run under. `stopping` is set when streams should end."""

    app: Application
    searches: BoundedExecutor
    extracts: BoundedExecutor
    chats: BoundedExecutor
    rate: RateLimit
    refusals: RateLimit
    metrics: Metrics
    stopping: Event = field(default_factory=Event)

    def close(self) -> None:
        """Let the lanes finish."""
        self.stopping.set()
        for lane in self.lanes:
            lane.close()

    @property
    def lanes(self) -> tuple[BoundedExecutor, ...]:
        """All lanes."""
        return self.searches, self.extracts, self.chats

    def lane_of(self, mode: AnswerMode) -> BoundedExecutor:
        """Return where answers of a mode are made: extracting computes all the time, other ways mostly wait."""
        return self.extracts if mode is AnswerMode.EXTRACT else self.chats


def make_service(app: Application) -> Service:
    """Make the lanes and limits that the settings ask for."""
    options = app.settings.service
    service = Service(
        app,
        BoundedExecutor(
            "search",
            options.search_threads or min(cores(), _SEARCH_THREADS),
            options.searches_waiting,
            options.search_patience,
        ),
        BoundedExecutor("extract", options.extract_threads or max(1, cores() - 1), options.chats_waiting),
        BoundedExecutor("chat", options.chat_threads, options.chats_waiting),
        RateLimit(options.requests_per_minute),
        RateLimit(options.requests_per_minute),
        Metrics(),
    )
    for lane in service.lanes:
        service.metrics.watch(lane.name, lambda lane=lane: lane.taken)  # type: ignore[misc]  # mypy sees no default
    return service


async def service_of(request: Request) -> Service:
    """Return the running service; a coroutine, since a thread for this would cost more than it does."""
    return running_service(request)


def running_service(request: Request) -> Service:
    """Return the running service."""
    service: Service = request.app.state.service
    return service


def caller_of(request: Request) -> Caller:
    """Return who calls, by `Authorization: Bearer` or `X-API-Key`; raises Unauthorized or RateLimited."""
    service = running_service(request)
    caller = _checked(service, request)
    request.state.caller = caller
    service.rate.take(caller.id)
    return caller


CurrentService = Annotated[Service, Depends(service_of)]
CurrentCaller = Annotated[Caller, Depends(caller_of)]


def base_named(service: Service, caller: Caller, name: str) -> KnowledgeBase:
    """Return a base that the caller may see; raises NotFound, the same for one it may not."""
    base = service.app.bases.find(name)
    owner = service.app.temporary.owner(base.id)
    if not caller.sees(base.id) or owner not in (None, caller.id):
        raise NotFound(
            f"There is no knowledge base named '{name}'.",
            f"See the names with: kb list; make one with: kb create {name}",
        )
    return base


def visible_bases(service: Service, caller: Caller) -> list[KnowledgeBase]:
    """Return the bases that the caller may see, by name, without anybody's temporary files."""
    hidden = service.app.temporary.ids()
    return [base for base in service.app.bases.all() if caller.sees(base.id) and base.id not in hidden]


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
            service.app.audit.note(caller.id, action, subject, error.code)
            raise
        service.app.audit.note(caller.id, action, subject)

    return Depends(note)


def _checked(service: Service, request: Request) -> Caller:
    if not service.app.settings.service.auth:
        return LOCAL
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    address = request.client.host if request.client else "nowhere"
    try:
        if not key:
            raise Unauthorized("This needs an API key.", "Send it as: Authorization: Bearer KEY")
        return service.app.keys.check(key)
    except Unauthorized:
        service.refusals.take(address)
        raise
