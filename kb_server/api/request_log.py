"""What surrounds every request: its id, safe headers, a line in the log, a count."""

import logging
import re
import secrets
from collections.abc import Callable
from time import perf_counter
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, TracerProvider
from opentelemetry.util.types import Attributes
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb_server.core.errors import MissingExtra

_PRIVATE = frozenset({"url.path", "url.query", "url.full"})


def telemetry(wanted: bool) -> TelemetryConfig:
    """Return how the application traces; raises MissingExtra if it is to and cannot."""
    off: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    if not wanted:
        return off
    return {**off, "tracing": True, "operation_spans": False, "tracer_provider": DiscreetProvider(_exporting())}


class DiscreetProvider(TracerProvider):
    """Makes spans that do not have what clients wrote into addresses."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *given: Any, **named: Any) -> Tracer:  # noqa: ANN401 - passed on as it is
        """Return a tracer of the provider within, kept discreet."""
        return _DiscreetTracer(self._provider.get_tracer(*given, **named))


class _DiscreetTracer(Tracer):
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(  # type: ignore[override]  # the rest comes by name, whatever it is
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        **named: Any,  # noqa: ANN401 - passed on as it is
    ) -> Span:
        kept = {key: value for key, value in (attributes or {}).items() if key not in _PRIVATE}
        return self._tracer.start_span(name, context=context, kind=kind, attributes=kept, **named)

    def start_as_current_span(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on as it is
        return self._tracer.start_as_current_span(*given, **named)


def _exporting() -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra(
            f"Traces need a package that is not installed: {error.name}.", "Run: pip install 'kb-server[traces]'"
        ) from error
    provider: Any = Provider(resource=Resource.create({"service.name": "kb-server"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    made: TracerProvider = provider
    return made


CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts of one process: requests by route template (never by name) and status, their time, work in the lanes."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("kb_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "kb_request_seconds", "Time to the end of an answer.", labels[:2], buckets=_SECONDS, registry=self._registry
        )
        self._lanes = Gauge("kb_lane_taken", "Work that runs or waits.", ("lane",), registry=self._registry)

    def watch(self, lane: str, taken: Callable[[], int]) -> None:
        """Show how much a lane has to do."""
        self._lanes.labels(lane).set_function(taken)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


logger = logging.getLogger("kb_server.access")

_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_REQUEST_ID = re.compile(r"[\w-]{1,64}")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLog:
    """ASGI middleware. The log has the route's template and the key's id, never a query, a body or a key."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 499  # the client was gone before an answer began
        given = Headers(scope=scope).get("x-request-id", "")
        scope["request_id"] = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = scope["request_id"]
                for name, value in _SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_framed)
        finally:
            self._note(scope, status, perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.count(method, route, status, seconds)
        line: dict[str, Any] = {"request_id": scope["request_id"], "method": method, "route": route, "status": status}
        caller = scope.get("state", {}).get("caller")
        key = caller.id if caller else None
        logger.info("request", extra={**line, "ms": round(1000 * seconds, 1), "key": key})
