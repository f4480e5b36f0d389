"""What Prometheus can read at /metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

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
