"""Lanes: threads for model work with a bounded queue before them: a crowd is told to come again, not kept waiting."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import randint
from statistics import fmean
from threading import Event
from typing import Any, TypeVar, cast

from kb_server.core.errors import TryLater

T = TypeVar("T")

_END = object()
_RETRY_SECONDS = (1, 3)  # drawn between, so that a crowd that was refused at once does not come back at once
_REMEMBERED = 21  # works whose mean says how long one takes


class BoundedExecutor:
    """Runs blocking work for an event loop: `threads` at once, `waiting` more in line; others get TryLater.

    So does who would wait longer than `patience` seconds, by how long the last works took: a burst on an idle machine
    is served whole, and on a busy one a few wait shortly in place of all for long.
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
            raise TryLater(
                f"Too many requests of this kind ({self.name}) are waiting.",
                "Try again after the time in Retry-After.",
                randint(*_RETRY_SECONDS),  # noqa: S311 - not a secret
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
