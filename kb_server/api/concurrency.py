"""Threads for model work with a bounded queue before them: a crowd is told to come again, not kept waiting.

This is the only place that refuses work. What stands behind it (an engine that decodes so many answers at once) lets
its callers wait their turn, so that a question is refused before anything was searched, and before a stream has begun.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from random import randint
from statistics import fmean
from threading import Event, Lock
from time import monotonic
from typing import Any, TypeVar, cast

from kb_server.core.errors import RateLimited, TryLater

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


T = TypeVar("T")

_END = object()

_SPREAD_SECONDS = 2  # a crowd that was refused at once does not come back at once

_REMEMBERED = 21  # works whose mean says how long one takes


class BoundedExecutor:
    """Runs blocking work for an event loop: `threads` at once, `waiting` more in line; others get TryLater.

    So does work that would wait longer than `patience` seconds, by how long the last works took: a burst on an idle
    machine is served whole, and on a busy one a few wait shortly in place of all for long. TryLater says after how many
    seconds those that wait now will have been served.
    """

    def __init__(self, name: str, threads: int, waiting: int, patience: float = math.inf) -> None:
        self.name = name
        self._patience = patience
        self._lasted: deque[float] = deque([0.0], maxlen=_REMEMBERED)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self.places = threads + waiting
        self.taken = 0

    @property
    def running(self) -> int:
        """How much work has a thread."""
        return min(self.taken, self._threads)

    @property
    def waiting(self) -> int:
        """How much waits for one."""
        return self.taken - self.running

    @property
    def wait(self) -> float:
        """How many seconds one more would wait for a thread, about."""
        before = self.taken - self._threads + 1
        return max(0, before) / self._threads * fmean(self._lasted)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise what it raises."""
        return await self._submit(work)

    async def stream(self, start: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        """Wait for the first event, so that an error before it is an ordinary one; return all of them, that one too.

        Closing the result (a client that has gone) stops the work before its next event.
        """
        events = self._events(start)
        try:
            first = await anext(events)
        except StopAsyncIteration:
            return _following([], events)
        return _following([first], events)

    def close(self) -> None:
        """Wait for what runs; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        if self.taken >= self.places or self.wait > self._patience:
            seconds = max(1, math.ceil(self.wait)) + randint(0, _SPREAD_SECONDS)  # noqa: S311 - not a secret
            raise TryLater(
                f"Too many requests of this kind ({self.name}) are waiting.", f"Try again in {seconds} s.", seconds
            )
        self.taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._timed, work)
        future.add_done_callback(self._leave)
        return future

    def _timed(self, work: Callable[[], T]) -> T:
        started = time.perf_counter()
        try:
            return work()
        finally:
            self._lasted.append(time.perf_counter() - started)

    def _leave(self, _done: "asyncio.Future[Any]") -> None:
        self.taken -= 1

    async def _events(self, start: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        loop, queue, stop = asyncio.get_running_loop(), asyncio.Queue[object](), Event()

        def work() -> None:
            if stop.is_set():
                return
            with closing(cast("Any", start())) as events:  # an Iterator by its type, a generator in fact
                for event in events:
                    loop.call_soon_threadsafe(queue.put_nowait, event)
                    if stop.is_set():
                        return

        done = self._submit(work)
        done.add_done_callback(lambda _: queue.put_nowait(_END))
        try:
            while (event := await queue.get()) is not _END:
                yield cast("T", event)
            await done
        finally:
            stop.set()


async def _following(first: list[T], rest: AsyncIterator[T]) -> AsyncIterator[T]:
    generator = cast("Any", rest)
    try:
        for event in first:
            yield event
        async for event in rest:
            yield event
    finally:
        await generator.aclose()
