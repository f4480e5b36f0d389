"""A search in one thread holds up nothing else, and nothing else disturbs it."""

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import pytest

import vectorstores.log.store
from kb_server.core.ports import Vectors
from kb_server.testing.vector_stores import DIMENSION, axis
from kb_server.testing.vector_stores import unit_vectors as unit
from vectorstores.faiss.store import FaissStore, IvfIndex
from vectorstores.log.changes import Ids
from vectorstores.log.sealed import IndexKind, Sealed, open_sealed

SECONDS = 20  # far more than any of these calls takes on a busy machine, and an end if one waits for ever
COUNT = 300
Result = TypeVar("Result")


class Pause:
    """A place in which the first thread that comes by stays until it is let go."""

    def __init__(self) -> None:
        self.entered, self.ended = Event(), Event()

    def here(self) -> bool:
        """Return True when it may go on."""
        if not self.entered.is_set():
            self.entered.set()
            assert self.ended.wait(SECONDS)
        return True


class PausingIndex(IvfIndex):
    """An index in which a search can be stopped."""

    pause: ClassVar[Pause | None] = None

    def candidates(self, query: Vectors, k: int, among: npt.NDArray[np.bool_] | None, count: int) -> Ids:
        if self.pause:
            self.pause.here()
        return super().candidates(query, k, among, count)


class PausingStore(FaissStore):
    """A store whose index that is."""

    KIND: ClassVar[IndexKind] = PausingIndex

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, DIMENSION, exact_below=100)


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pause]:
    made = Pause()
    yield made
    made.ended.set()
    monkeypatch.undo()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PausingStore]:
    """Vectors 0..299, all of them in an index."""
    filled(tmp_path).close()
    made = PausingStore(tmp_path)
    yield made
    made.close()


def filled(folder: Path) -> PausingStore:
    made = PausingStore(folder)
    made.add(range(COUNT), unit(COUNT))
    made.flush()
    return made


def soon(threads: ThreadPoolExecutor, call: Callable[[], Result]) -> Result:
    """Return what the call in another thread returns; fails if it waits for what is paused."""
    return threads.submit(call).result(SECONDS / 4)


def ids(found: Collection[tuple[int, float]]) -> set[int]:
    return {number for number, _ in found}


def paused_search(
    store: PausingStore, pause: Pause, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> "Future[list[tuple[int, float]]]":
    monkeypatch.setattr(PausingIndex, "pause", pause)
    running = threads.submit(store.search, unit(1)[0], 3)
    assert pause.entered.wait(SECONDS)
    return running


def test_a_search_inside_the_index_holds_up_nothing_and_sees_nothing_of_it(
    store: PausingStore, pause: Pause, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = store.search(unit(1)[0], 3)
    running = paused_search(store, pause, threads, monkeypatch)
    soon(threads, lambda: store.add([COUNT], unit(1)))
    soon(threads, lambda: store.add([0], axis(3)[None]))
    soon(threads, lambda: store.delete([number for number, _ in expected[1:]]))
    soon(threads, store.flush)
    assert soon(threads, lambda: len(store)) == COUNT - 1
    found = soon(threads, lambda: store.search(unit(1)[0], 3))
    assert found[0][0] == COUNT
    assert ids(found).isdisjoint(ids(expected))
    assert not running.done()
    pause.ended.set()
    assert running.result(SECONDS) == expected


def test_a_search_goes_on_when_its_store_is_closed_and_its_files_are_gone(
    store: PausingStore, pause: Pause, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = store.search(unit(1)[0], 3)
    running = paused_search(store, pause, threads, monkeypatch)
    soon(threads, store.destroy)
    assert soon(threads, lambda: len(store)) == 0
    pause.ended.set()
    assert running.result(SECONDS) == expected


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_closed_store_lets_go_of_its_files(tmp_path: Path) -> None:
    filled(tmp_path).close()
    before = open_files()
    for _ in range(3):
        again = PausingStore(tmp_path)
        again.add([0], axis(0)[None])  # the next view shares the files of the one before
        assert again.search(axis(0), 1) == [(0, 1.0)]
        again.close()
    assert open_files() == before


def test_a_slow_disk_holds_up_no_search_and_no_add(
    store: PausingStore, pause: Pause, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: pause.here() and sync(descriptor))
    store.add([COUNT], axis(0)[None])
    flushing = threads.submit(store.flush)
    assert pause.entered.wait(SECONDS)
    soon(threads, lambda: store.add([COUNT + 1], axis(1)[None]))
    soon(threads, lambda: store.delete([5]))
    assert soon(threads, lambda: store.search(axis(0), 1)) == [(COUNT, 1.0)]
    assert soon(threads, lambda: store.search(axis(1), 1)) == [(COUNT + 1, 1.0)]
    assert PausingStore(store._folder).ids() >= set(range(COUNT)), "another object sees the flush or not yet"
    pause.ended.set()
    flushing.result(SECONDS)
    assert PausingStore(store._folder).ids() == set(range(COUNT + 1)), "what came meanwhile is not flushed"
    store.flush()
    assert PausingStore(store._folder).ids() == set(range(COUNT + 2)) - {5} == store.ids()


def test_opening_a_newly_sealed_part_holds_up_nobody_else(
    tmp_path: Path, pause: Pause, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = PausingStore(tmp_path)
    writer = filled(tmp_path)
    assert len(reader) == COUNT
    writer.close()  # now there is an index

    def slowly(*arguments: object) -> Sealed | None:
        pause.here()
        return open_sealed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(vectorstores.log.store, "open_sealed", slowly)
    opening = threads.submit(reader.search, unit(1)[0], 1)
    assert pause.entered.wait(SECONDS)
    writer.add([COUNT], axis(0)[None])
    writer.flush()
    assert soon(threads, lambda: reader.search(axis(0), 1)) == [(COUNT, 1.0)], "what others flush is seen meanwhile"
    soon(threads, lambda: reader.add([COUNT + 1], axis(1)[None]))
    pause.ended.set()
    assert opening.result(SECONDS)[0][0] == 0
    assert reader._view.sealed
    assert reader.ids() == set(range(COUNT + 2))
    assert reader.search(axis(1), 1) == [(COUNT + 1, 1.0)]


def test_a_compaction_writes_nothing_that_was_not_flushed(
    tmp_path: Path, pause: Pause, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sync = FaissStore(tmp_path, DIMENSION), os.fsync
    for _ in range(4):
        store.add(range(COUNT), unit(COUNT))
        store.flush()
    store.add(range(COUNT), unit(COUNT, seed=1))
    monkeypatch.setattr(os, "fsync", lambda descriptor: pause.here() and sync(descriptor))
    inode = store._path.stat().st_ino
    flushing = threads.submit(store.flush)
    assert pause.entered.wait(SECONDS)
    soon(threads, lambda: store.add([COUNT], axis(0)[None]))
    pause.ended.set()
    flushing.result(SECONDS)
    assert store._path.stat().st_ino != inode
    assert FaissStore(tmp_path, DIMENSION).ids() == set(range(COUNT))
    assert store.ids() == set(range(COUNT + 1))
