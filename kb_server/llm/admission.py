"""A bounded queue before a model: some answers are made at once, some wait, the rest are refused at once."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kb_server.core.errors import Overloaded

_FIRST_GUESS = 5.0  # seconds an answer takes, until one is known
_MEMORY = 0.8  # weight of what was known when a new time comes in


class Admission:
    """Lets `parallel` answers be made at once and `waiting` more wait, in the order they came."""

    def __init__(self, parallel: int, waiting: int) -> None:
        self._parallel = parallel
        self._limit = parallel + waiting
        self._free = threading.Semaphore(parallel)
        self._lock = threading.Lock()
        self._inside = 0
        self._seconds = _FIRST_GUESS

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place; raises Overloaded with the seconds after which to try again if too many wait already."""
        self._enter()
        try:
            with self._free:
                started = time.monotonic()
                yield
                self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * (time.monotonic() - started)
        finally:
            with self._lock:
                self._inside -= 1

    def _enter(self) -> None:
        with self._lock:
            if self._inside >= self._limit:
                wait = math.ceil(self._seconds * max(1, self._inside - self._parallel + 1) / self._parallel)
                raise Overloaded(
                    f"{self._inside} questions are being answered or wait already.",
                    f"Ask again in {wait} s, or raise generation.queue.",
                    seconds=max(1, wait),
                )
            self._inside += 1
