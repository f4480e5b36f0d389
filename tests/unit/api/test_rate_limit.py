"""How often one client may ask."""

import pytest

from kb_server.api.rate_limit import RateLimit
from kb_server.core.errors import RateLimited


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
