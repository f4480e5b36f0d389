"""Things made once, whichever thread asks first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from kb_server.runtime.once import MadeByKey, made_once


class House:
    """Has a door that is made once, and counts how often."""

    def __init__(self) -> None:
        self.made = 0

    @made_once
    def door(self) -> object:
        """The door."""
        self.made += 1
        return object()

    @made_once
    def broken(self) -> object:
        """What cannot be made at the first try."""
        self.made += 1
        if self.made == 1:
            raise ValueError("not yet")
        return self.made


def together(count: int, ask: Callable[[], object]) -> list[object]:
    """Ask from so many threads at the same moment."""
    start = Barrier(count)

    def go(_: int) -> object:
        start.wait()
        return ask()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(go, range(count)))


def test_an_attribute_is_made_once_by_many_threads() -> None:
    for _ in range(50):
        house = House()
        doors = together(8, lambda house=house: house.door)  # type: ignore[misc]  # mypy sees no default
        assert len(set(map(id, doors))) == house.made == 1


def test_each_instance_has_its_own_and_nothing_is_made_before() -> None:
    first, second = House(), House()
    assert "door" not in vars(first)
    assert first.door is not second.door
    assert vars(first)["door"] is first.door
    assert House.door.__doc__ == "The door."


class Slow:
    """Has a door that takes its time."""

    def __init__(self, wait: Event | None = None) -> None:
        self.begun, self._wait = Event(), wait

    @made_once
    def door(self) -> str:
        """The door."""
        self.begun.set()
        assert self._wait is None or self._wait.wait(10)
        return "door"


def test_making_it_for_one_object_holds_up_no_other() -> None:
    go_on = Event()
    slow = Slow(go_on)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(lambda: slow.door)
        assert slow.begun.wait(10)
        assert pool.submit(lambda: Slow().door).result(10) == "door"
        assert not waiting.done()
        go_on.set()
        assert waiting.result(10) == "door"


def test_what_failed_is_tried_again() -> None:
    house = House()
    with pytest.raises(ValueError, match="not yet"):
        _ = house.broken
    assert house.broken == 2


def test_a_key_is_made_once_and_holds_up_no_other() -> None:
    values: MadeByKey[str, object] = MadeByKey()
    made, go_on = Event(), Event()

    def slow() -> object:
        made.set()
        assert go_on.wait(10)
        return "slow"

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(values.get, "slow", slow)
        assert made.wait(10)
        second = pool.submit(values.get, "slow", lambda: pytest.fail("made twice"))
        assert values.get("quick", lambda: "quick") == "quick"
        assert not second.done()
        assert values.keys() == {"quick"}
        go_on.set()
        assert (first.result(10), second.result(10)) == ("slow", "slow")


def test_a_key_whose_making_failed_is_tried_again() -> None:
    values: MadeByKey[int, int] = MadeByKey()
    with pytest.raises(ZeroDivisionError):
        values.get(0, lambda: 1 // 0)
    assert values.get(0, lambda: 7) == 7
    values.put(0, 8)
    assert values.get(0, lambda: 9) == 8
