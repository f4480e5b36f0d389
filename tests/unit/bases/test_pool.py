"""Opening bases from several threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock

import pytest

from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import NotFound, StorageError
from kb_server.core.ports import VectorStore
from kb_server.search.lexical import TantivyIndex
from vectorstores.memory import MemoryStore

SECONDS = 20


class Stores:
    """Opens stores; that of the backend `slow` when it is let to, `broken` never."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.begun, self.go_on = Event(), Event()
        self._lock = Lock()

    def open(self, backend: str, folder: Path, dimension: int) -> VectorStore:
        if backend == "broken":
            raise StorageError("It is damaged.")
        if backend == "slow":
            self.begun.set()
            assert self.go_on.wait(SECONDS)
        name, stores = folder.name, self
        with self._lock:
            self.opened.append(name)

        class Store(MemoryStore):
            def close(self) -> None:
                stores.closed.append(name)

        return Store(dimension)


@pytest.fixture
def stores() -> Iterator[Stores]:
    made = Stores()
    yield made
    made.go_on.set()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Bases]:
    database = Database(f"sqlite:///{tmp_path / 'catalog.db'}")
    yield Bases(database)
    database.close()


@pytest.fixture
def pool(tmp_path: Path, stores: Stores, rows: Bases) -> Iterator[BasePool]:
    made = BasePool(rows._database, tmp_path, stores.open, lambda _: TantivyIndex())
    yield made
    stores.go_on.set()
    made.close()


def base(rows: Bases, name: str, store: str = "quick") -> KnowledgeBase:
    """Add a row; its vectors lie in a folder of the base's name."""
    made = replace(rows.create(name, store, "toy", "toy", 4), vectors=name)
    rows.switch(made)
    return made


def test_a_base_that_is_slow_to_open_holds_up_no_other(
    pool: BasePool, rows: Bases, stores: Stores, threads: ThreadPoolExecutor
) -> None:
    one, two = base(rows, "one", "slow"), base(rows, "two")
    slow = threads.submit(pool.open, one)
    assert stores.begun.wait(SECONDS)
    assert threads.submit(pool.open, two).result(SECONDS).base == two
    threads.submit(pool.drop, two.id).result(SECONDS)
    assert not slow.done()
    stores.go_on.set()
    assert slow.result(SECONDS).base == one


def test_threads_that_ask_for_the_same_base_open_it_once(
    pool: BasePool, rows: Bases, stores: Stores, threads: ThreadPoolExecutor
) -> None:
    one = base(rows, "one", "slow")
    asking = [threads.submit(pool.open, one) for _ in range(6)]
    assert stores.begun.wait(SECONDS)
    stores.go_on.set()
    assert len({id(asked.result(SECONDS).store) for asked in asking}) == 1
    assert stores.opened == ["one"]


def test_a_base_that_cannot_be_opened_is_tried_again(pool: BasePool, rows: Bases) -> None:
    one = base(rows, "one", "broken")
    for _ in range(2):
        with pytest.raises(StorageError, match="damaged"):
            pool.open(one)
    mended = replace(one, store="quick")
    rows.switch(mended)
    assert pool.open(mended).base == mended


def test_a_base_of_other_vectors_is_opened_again(pool: BasePool, rows: Bases, stores: Stores) -> None:
    old = base(rows, "old")
    first = pool.open(old)
    assert pool.open(old).store is first.store
    new = replace(old, vectors="new")
    rows.switch(new)
    assert pool.open(new).store is not first.store
    assert (stores.opened, stores.closed) == (["old", "new"], ["old"])


def test_an_old_row_opens_nothing_again_and_gets_what_is_there_now(pool: BasePool, rows: Bases, stores: Stores) -> None:
    old = base(rows, "old")
    new = replace(old, vectors="new", fingerprint="other")
    rows.switch(new)
    opened = pool.open(new)
    for row in (old, new, old):
        assert pool.open(row).store is opened.store
        assert pool.open(row).base == new
    assert (stores.opened, stores.closed) == (["new"], [])


def test_a_base_that_was_deleted_is_not_made_again(pool: BasePool, rows: Bases, tmp_path: Path) -> None:
    one = base(rows, "one")
    rows.delete(one.id)
    with pytest.raises(NotFound, match="one"):
        pool.open(one)
    assert not (tmp_path / "bases").exists()


def test_what_is_dropped_while_it_opens_is_closed(
    pool: BasePool, rows: Bases, stores: Stores, threads: ThreadPoolExecutor
) -> None:
    one = base(rows, "one", "slow")
    opening = threads.submit(pool.open, one)
    assert stores.begun.wait(SECONDS)
    dropping = threads.submit(pool.drop, one.id)
    stores.go_on.set()
    opening.result(SECONDS)
    dropping.result(SECONDS)
    pool.open(one)
    pool.close()
    assert (stores.opened, stores.closed) == (["one", "one"], ["one", "one"])
