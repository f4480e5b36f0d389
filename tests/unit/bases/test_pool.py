"""Opening bases from several threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock

import pytest

from kb_server.bases.pool import BasePool
from kb_server.catalog.database import Database
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import StorageError
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
def pool(tmp_path: Path, stores: Stores) -> Iterator[BasePool]:
    database = Database("sqlite://")
    made = BasePool(database, tmp_path, stores.open, lambda _: TantivyIndex())
    yield made
    stores.go_on.set()
    made.close()
    database.close()


def base(name: str, store: str = "quick", vectors: str | None = None) -> KnowledgeBase:
    made = datetime.now(UTC)
    return KnowledgeBase(id=name, name=name, store=store, embedder="toy", fingerprint="toy", dimension=4, fusion=None,
                         created=made, vectors=vectors or name)  # fmt: skip


def test_a_base_that_is_slow_to_open_holds_up_no_other(
    pool: BasePool, stores: Stores, threads: ThreadPoolExecutor
) -> None:
    slow = threads.submit(pool.open, base("one", "slow"))
    assert stores.begun.wait(SECONDS)
    assert threads.submit(pool.open, base("two")).result(SECONDS).base.id == "two"
    threads.submit(pool.drop, "two").result(SECONDS)
    assert not slow.done()
    stores.go_on.set()
    assert slow.result(SECONDS).base.id == "one"


def test_threads_that_ask_for_the_same_base_open_it_once(
    pool: BasePool, stores: Stores, threads: ThreadPoolExecutor
) -> None:
    asking = [threads.submit(pool.open, base("one", "slow")) for _ in range(6)]
    assert stores.begun.wait(SECONDS)
    stores.go_on.set()
    assert len({id(one.result(SECONDS).store) for one in asking}) == 1
    assert stores.opened == ["one"]


def test_a_base_that_cannot_be_opened_is_tried_again(pool: BasePool) -> None:
    for _ in range(2):
        with pytest.raises(StorageError, match="damaged"):
            pool.open(base("one", "broken"))
    assert pool.open(base("one")).base.id == "one"


def test_a_base_of_other_vectors_is_opened_again(pool: BasePool, stores: Stores) -> None:
    first = pool.open(base("one", vectors="old"))
    assert pool.open(base("one", vectors="old")).store is first.store
    assert pool.open(base("one", vectors="new")).store is not first.store
    assert (stores.opened, stores.closed) == (["old", "new"], ["old"])


def test_what_is_dropped_while_it_opens_is_closed(pool: BasePool, stores: Stores, threads: ThreadPoolExecutor) -> None:
    opening = threads.submit(pool.open, base("one", "slow"))
    assert stores.begun.wait(SECONDS)
    dropping = threads.submit(pool.drop, "one")
    stores.go_on.set()
    opening.result(SECONDS)
    dropping.result(SECONDS)
    pool.open(base("one"))
    pool.close()
    assert (stores.opened, stores.closed) == (["one", "one"], ["one", "one"])
