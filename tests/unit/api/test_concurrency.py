"""Bounded work, what a crowd is told, and streams that stop when nobody listens."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from kb_server.api.concurrency import BoundedExecutor, RateLimit
from kb_server.core.errors import NotFound, RateLimited, TryLater


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _taken(limit: RateLimit, client: str, times: int) -> int:
    taken = 0
    for _ in range(times):
        try:
            limit.take(client)
        except RateLimited:
            continue
        taken += 1
    return taken


def test_a_bucket_is_emptied_and_fills_evenly() -> None:
    clock = Clock()
    limit = RateLimit(60, clock)
    assert _taken(limit, "a", 100) == 60
    assert _taken(limit, "b", 1) == 1, "each client has its own"
    clock.now += 10
    assert _taken(limit, "a", 100) == 10
    clock.now += 3600
    assert _taken(limit, "a", 100) == 60, "never more than a minute's"


def test_it_says_when_to_come_again() -> None:
    limit = RateLimit(6, Clock())
    _taken(limit, "a", 6)
    with pytest.raises(RateLimited) as caught:
        limit.take("a")
    assert caught.value.seconds == 10


def test_a_clock_that_goes_back_opens_and_closes_nothing() -> None:
    clock = Clock()
    limit = RateLimit(60, clock)
    _taken(limit, "a", 60)
    clock.now -= 3600
    assert _taken(limit, "a", 5) == 0
    clock.now += 10
    assert _taken(limit, "a", 100) == 10


def test_many_clients_are_forgotten_again() -> None:
    clock = Clock()
    limit = RateLimit(60, clock)
    for number in range(10_001):
        limit.take(str(number))
    clock.now += 61
    limit.take("one more")
    assert len(limit._buckets) == 1


def test_beyond_the_queue_work_is_refused() -> None:
    async def scene() -> None:
        lane, gate = BoundedExecutor("test", 1, 1), threading.Event()
        held = [asyncio.ensure_future(lane.run(gate.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TryLater) as caught:
            await lane.run(gate.wait)
        assert 1 <= caught.value.seconds <= 3
        gate.set()
        assert await asyncio.gather(*held) == [True, True]
        assert await lane.run(lambda: "again") == "again"
        assert lane.taken == 0
        lane.close()

    asyncio.run(scene())


def test_who_would_wait_too_long_is_refused_by_how_long_work_takes() -> None:
    async def scene() -> None:
        lane = BoundedExecutor("test", 1, 100, patience=1.0)
        burst = [asyncio.ensure_future(lane.run(lambda: "quick")) for _ in range(50)]
        assert await asyncio.gather(*burst) == ["quick"] * 50, "a burst of quick work is served whole"
        for _ in range(25):
            await lane.run(lambda: time.sleep(0.02))
        gate = threading.Event()
        held = [asyncio.ensure_future(lane.run(gate.wait)) for _ in range(101)]
        await asyncio.sleep(0)
        refused = [future for future in held if future.done() and isinstance(future.exception(), TryLater)]
        assert 10 < 101 - len(refused) < 60, "some fifty of 20 ms fit into a second, fewer on a busy machine"
        gate.set()
        assert all(await asyncio.gather(*(future for future in held if future not in refused)))
        lane.close()

    asyncio.run(scene())


def test_without_patience_the_number_that_may_wait_decides() -> None:
    """Searches as slow as these are refused by any usual patience; here so many wait as the setting says."""

    async def scene() -> None:
        lane, gate = BoundedExecutor("test", 2, 5), threading.Event()
        for _ in range(25):
            await lane.run(lambda: time.sleep(0.01))
        held = [asyncio.ensure_future(lane.run(gate.wait)) for _ in range(50)]
        await asyncio.sleep(0)
        refused = [future for future in held if future.done()]
        assert (lane.running, lane.waiting, len(refused)) == (2, 5, 43)
        assert all(isinstance(future.exception(), TryLater) for future in refused)
        gate.set()
        await asyncio.gather(*(future for future in held if future not in refused))
        lane.close()

    asyncio.run(scene())


def test_a_crowd_is_told_when_those_that_wait_will_have_been_served() -> None:
    """Ten answers of 3 s wait for two threads and two are being made: one more would be served in 16.5 s."""

    async def scene() -> set[int]:
        lane, gate = BoundedExecutor("test", 2, 10), threading.Event()
        lane._lasted.extend([3.0] * 21)
        held = [asyncio.ensure_future(lane.run(gate.wait)) for _ in range(112)]
        await asyncio.sleep(0)
        refused = [future.exception() for future in held if future.done()]
        gate.set()
        await asyncio.gather(*held, return_exceptions=True)
        lane.close()
        assert len(refused) == 100
        for error in refused:
            assert isinstance(error, TryLater)
            assert error.hint == f"Try again in {error.seconds} s."
        return {error.seconds for error in refused if isinstance(error, TryLater)}

    assert asyncio.run(scene()) == {17, 18, 19}, "and not all at once"


def test_a_crowd_before_a_slow_model_is_refused_before_its_streams_begin() -> None:
    """One gate: an engine that makes one answer at a time lets the others wait, and refuses none of them."""
    turn, leave = threading.Semaphore(1), threading.Event()

    def answer() -> Iterator[str]:
        with turn:
            leave.wait(10)
            yield "an answer"

    async def scene() -> list[object]:
        lane = BoundedExecutor("chat", 4, 2)

        async def client() -> object:
            return [event async for event in await lane.stream(answer)]

        crowd = [asyncio.ensure_future(client()) for _ in range(10)]
        while sum(one.done() for one in crowd) < 4:
            await asyncio.sleep(0.01)
        leave.set()
        ended = await asyncio.gather(*crowd, return_exceptions=True)
        lane.close()
        return list(ended)

    ended = asyncio.run(scene())
    assert [one for one in ended if not isinstance(one, TryLater)] == [["an answer"]] * 6
    assert sum(isinstance(one, TryLater) for one in ended) == 4


def test_events_come_in_order_and_an_early_error_is_raised_at_once() -> None:
    async def scene() -> None:
        lane = BoundedExecutor("test", 1, 0)
        assert [event async for event in await lane.stream(lambda: iter_of(range(100)))] == list(range(100))

        def broken() -> Iterator[int]:
            raise NotFound("No such base.")

        with pytest.raises(NotFound):
            await lane.stream(broken)
        assert [event async for event in await lane.stream(lambda: iter_of([]))] == []
        lane.close()

    asyncio.run(scene())


def test_an_error_in_the_middle_comes_after_what_was_sent() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise NotFound("Gone.")

    async def scene() -> list[int]:
        lane, seen = BoundedExecutor("test", 1, 0), []
        with pytest.raises(NotFound):  # noqa: PT012 - what came before the error counts
            async for event in await lane.stream(failing):
                seen.append(event)  # noqa: PERF401 - as it comes
        lane.close()
        return seen

    assert asyncio.run(scene()) == [1]


def test_work_stops_when_nobody_listens_any_more() -> None:
    closed, made = threading.Event(), []

    def endless() -> Iterator[int]:
        try:
            for number in range(10**9):
                made.append(number)
                yield number
                turn.acquire()
        finally:
            closed.set()

    turn = threading.Semaphore(0)

    async def scene() -> None:
        lane = BoundedExecutor("test", 1, 0)
        events = await lane.stream(endless)
        assert await anext(events) == 0
        await events.aclose()  # type: ignore[attr-defined]  # an AsyncIterator by its type, a generator in fact
        turn.release(2)
        lane.close()

    asyncio.run(scene())
    assert closed.wait(5)
    assert len(made) <= 2


def iter_of(values: object) -> Iterator[int]:
    """Yield the values, as a use case does."""
    yield from values  # type: ignore[misc]  # ranges and lists
