"""What a running service has, and how a route reaches it."""

import math
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from fastapi import Depends, Request

from kb_server.api.concurrency import BoundedExecutor, RateLimit
from kb_server.api.request_log import Metrics
from kb_server.app import Application
from kb_server.core.answers import AnswerMode
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
        """Let the executors finish."""
        self.stopping.set()
        for executor in self.executors:
            executor.close()

    @property
    def executors(self) -> tuple[BoundedExecutor, ...]:
        """All executors."""
        return self.searches, self.extracts, self.chats

    def executor_of(self, mode: AnswerMode) -> BoundedExecutor:
        """Return where answers of a mode are made: extracting computes all the time, other ways mostly wait."""
        return self.extracts if mode is AnswerMode.EXTRACT else self.chats


def make_service(app: Application) -> Service:
    """Make the executors and limits that the settings ask for."""
    options = app.settings.service
    service = Service(
        app,
        BoundedExecutor(
            "search",
            options.search_threads or min(cores(), _SEARCH_THREADS),
            options.searches_waiting,
            options.search_patience or math.inf,
        ),
        BoundedExecutor("extract", options.extract_threads or max(1, cores() - 1), options.chats_waiting),
        BoundedExecutor("chat", options.chat_threads, options.chats_waiting),
        RateLimit(options.requests_per_minute),
        RateLimit(options.requests_per_minute),
        Metrics(),
    )
    for executor in service.executors:
        service.metrics.watch(executor.name, lambda executor=executor: executor.taken)  # type: ignore[misc]  # mypy sees no default
    return service


async def service_of(request: Request) -> Service:
    """Return the running service; a coroutine, since a thread for this would cost more than it does."""
    return running_service(request)


def running_service(request: Request) -> Service:
    """Return the running service."""
    service: Service = request.app.state.service
    return service


CurrentService = Annotated[Service, Depends(service_of)]
