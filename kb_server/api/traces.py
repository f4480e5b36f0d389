"""OpenTelemetry traces, sent where OTEL_EXPORTER_OTLP_ENDPOINT says.

A span has the route's template, the method, the status and the times. What a client wrote into an address (names of
bases, words that were looked for) stays out of it, as it stays out of the log.
"""

from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, TracerProvider
from opentelemetry.util.types import Attributes

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
