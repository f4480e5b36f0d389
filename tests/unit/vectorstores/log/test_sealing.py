"""The sealed index of a LogStore: made in the background, damaged, of another version."""

import json
import logging
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from kb_server.testing.durable_stores import CLUSTERED_DIMENSION, COUNT, assert_near, clustered
from kb_server.testing.vector_stores import brute_force
from vectorstores.annoy import AnnoyStore
from vectorstores.faiss.store import FaissStore
from vectorstores.log.descriptions import describe_annoy, describe_faiss
from vectorstores.log.manifest import MANIFEST
from vectorstores.log.store import LogStore
from vectorstores.memory import MemoryStore

Reopen = Callable[[], LogStore]

STORES: dict[str, Callable[[Path], LogStore]] = {
    "faiss": lambda folder: FaissStore(folder, CLUSTERED_DIMENSION, exact_below=100),
    "annoy": lambda folder: AnnoyStore(folder, CLUSTERED_DIMENSION, exact_below=100, trees=10),
}
NO_ANNOY = pytest.mark.skipif(find_spec("annoy") is None, reason="annoy is not installed (it needs a C++ compiler)")


@pytest.fixture(params=["faiss", pytest.param("annoy", marks=NO_ANNOY)])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    return lambda: STORES[request.param](tmp_path / "store")


@pytest.fixture
def sealed(reopen: Reopen) -> LogStore:
    """Return a store whose vectors 0..2,999 are sealed."""
    store = reopen()
    store.add(range(COUNT), clustered(COUNT))
    store.flush()
    store.close()
    return reopen()


def oracle() -> MemoryStore:
    return brute_force(range(COUNT), clustered(COUNT))


def described(store: LogStore) -> dict[str, Any]:
    describe = {"IVF,SQ8": describe_faiss, "Annoy": describe_annoy}[store.KIND.KIND]
    return describe(store._folder)


def test_what_is_sealed_is_found(sealed: LogStore) -> None:
    index = described(sealed)
    assert index["vectors"] == COUNT
    assert index["kind"] != "exact"
    assert index["recall@10"] >= 0.95


def test_what_comes_and_goes_afterwards_needs_no_new_index(sealed: LogStore) -> None:
    before = described(sealed)
    sealed.add(range(COUNT - 20, COUNT + 40), clustered(60, seed=3))
    sealed.delete(range(500))
    sealed.flush()
    assert described(sealed) == before


def test_the_index_grows_in_the_background(sealed: LogStore, reopen: Reopen) -> None:
    expected, reader = oracle(), reopen()
    for turn in range(3):
        for store in (sealed, expected):
            store.delete(range(100 * turn, 100 * turn + 50))
            store.add(range(COUNT + 200 * turn, COUNT + 200 * (turn + 1)), clustered(200, seed=turn))
            store.flush()
        assert sealed._sealing
        sealed._sealing.join()
        assert_near(sealed, expected)
    assert described(sealed)["vectors"] >= COUNT + 200
    assert sealed._view.fresh.count == 0, "nothing is left to compare one by one"
    assert_near(reader, expected)
    assert len(list(sealed._folder.glob("sealed-*"))) == 2


def test_a_store_of_which_most_is_deleted_is_written_again(sealed: LogStore, reopen: Reopen) -> None:
    expected, reader = oracle(), reopen()
    reader.ids()
    size = sealed._log.path.stat().st_size
    for store in (sealed, expected):
        store.delete(range(2_600))
        store.flush()
    assert sealed._log.path.stat().st_size < size / 2
    assert_near(sealed, expected)
    assert_near(reader, expected)
    sealed.add([5], clustered(1))
    sealed.flush()
    sealed.close()
    assert len(reopen()) == 401


@pytest.mark.parametrize("damage", ["index", "rows", MANIFEST])
@pytest.mark.parametrize("how", ["gone", "short", "flipped"])
def test_a_damaged_index_is_made_again_and_nothing_is_lost(
    sealed: LogStore, reopen: Reopen, damage: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    sealed.close()
    (path,) = sealed._folder.glob(f"*{damage}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content[: len(content) // 2] if how == "short" else bytes(content))
    if how == "gone":
        path.unlink()
    with caplog.at_level(logging.WARNING):
        store = reopen()
        assert_near(store, oracle())
    assert ("damaged" in caplog.text) != (damage == MANIFEST and how == "gone")
    store.add([COUNT], clustered(1))
    store.flush()
    store.close()
    assert described(store)["vectors"] == COUNT + 1


def test_a_manifest_of_a_newer_version_is_left_alone(sealed: LogStore, reopen: Reopen) -> None:
    sealed.close()
    path = sealed._folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    assert_near(reopen(), oracle())


def test_searches_go_on_while_an_index_is_made(sealed: LogStore) -> None:
    failures: list[BaseException] = []
    done = threading.Event()
    target = clustered(COUNT)[0]

    def search() -> None:
        while not done.is_set():
            if sealed.search(target, 1)[0][0] != 0:
                failures.append(AssertionError("vector 0 was not found"))

    reader = threading.Thread(target=search)
    reader.start()
    for turn in range(4):
        sealed.add(range(COUNT + 150 * turn, COUNT + 150 * (turn + 1)), clustered(150, seed=10 + turn))
        sealed.flush()
    assert sealed._sealing
    sealed._sealing.join()
    done.set()
    reader.join()
    assert failures == []
