"""How often one client may ask."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from kb_server.core.errors import RateLimited

_MOST_CLIENTS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """A bucket of a minute's requests for each client, filled evenly; a clock that goes back does not matter to it."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._size = per_minute
        self._rate = per_minute / 60
        self._clock = clock
        self._lock = Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, client: str) -> None:
        """Count a request; raises RateLimited when the client's bucket is empty."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.setdefault(client, _Bucket(self._size, now))
            bucket.tokens = min(self._size, bucket.tokens + max(now - bucket.at, 0) * self._rate)
            bucket.at = now
            self._forget(now)
            if bucket.tokens < 1:
                seconds = math.ceil((1 - bucket.tokens) / self._rate)
                raise RateLimited(
                    f"More than {self._size} requests a minute.", "Ask again after the time in Retry-After.", seconds
                )
            bucket.tokens -= 1

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again, once there are many."""
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets = {name: one for name, one in self._buckets.items() if now - one.at < 60}
