"""Traces by setting: one span a request, with the route and without what was asked."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, Tracer, TracerProvider

from kb_server.api.request_log import DiscreetProvider, telemetry
from kb_server.core.errors import MissingExtra
from tests.api.conftest import Server

WITH_EXPORTER = find_spec("opentelemetry.sdk") is not None


class Noted(TracerProvider):
    """Notes the spans that are begun, on the interface of OpenTelemetry alone."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, dict[str, Any]]] = []

    def get_tracer(self, *_given: Any, **_named: Any) -> Tracer:  # noqa: ANN401
        noted = self.spans

        class NotingTracer(Tracer):
            def start_span(self, name: str, *_given: Any, attributes: Any = None, **_named: Any) -> Span:  # noqa: ANN401
                noted.append((name, dict(attributes or {})))
                return NonRecordingSpan(SpanContext(1, 1, False, TraceFlags(1)))

            def start_as_current_span(self, *_given: Any, **_named: Any) -> Any:  # noqa: ANN401
                return nullcontext()

        return NotingTracer()


def test_a_span_has_no_words_of_the_client() -> None:
    provider = Noted()
    app = FastAPI(
        telemetry={"tracing": True, "metrics": False, "logs": False, "tracer_provider": DiscreetProvider(provider)}
    )

    @app.get("/bases/{name}")
    def base(name: str, text: str) -> str:
        return name + text

    with TestClient(app) as client:
        assert client.get("/bases/confidential", params={"text": "secret"}).status_code == 200
    begun = [attributes for name, attributes in provider.spans if "http.request.method" in attributes]
    assert len(begun) == 1
    assert "confidential" not in str(provider.spans)
    assert "secret" not in str(provider.spans)


@pytest.mark.skipif(WITH_EXPORTER, reason="the extra `traces` is installed")
def test_a_missing_package_is_named() -> None:
    with pytest.raises(MissingExtra, match="opentelemetry"):
        telemetry(True)
    assert telemetry(False)["tracing"] is False


@contextmanager
def _collector() -> Iterator[tuple[str, list[bytes]]]:
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.skipif(not WITH_EXPORTER, reason="needs the extra `traces`")
def test_traces_are_sent_where_the_environment_says(tmp_path: Path) -> None:
    with _collector() as (url, received):
        server = Server(
            tmp_path / "home",
            KB_SERVICE__TRACES="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        with server.client() as client:
            client.get("/api/v1/knowledge-bases/confidential")
        assert server.stop() == 0
    sent = b"".join(received)
    assert b"/api/v1/knowledge-bases/{base}" in sent
    assert b"kb-server" in sent
    assert b"confidential" not in sent
