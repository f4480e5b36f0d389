"""Stores with an approximate index beside brute force, while vectors come and go and files are damaged."""

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb_server.core.ports import Vectors
from tests.contracts.stores import APPROXIMATE, DURABLE, axis
from vectorstores.log.descriptions import describe_annoy, describe_faiss
from vectorstores.log.manifest import MANIFEST
from vectorstores.log.store import LogStore
from vectorstores.memory import MemoryStore

DIMENSION, COUNT = 16, 3_000
Reopen = Callable[[], LogStore]


def clustered(count: int, seed: int = 0) -> Vectors:
    """Points of a mixture of 40 bells, unit length."""
    centres = np.random.default_rng(99).standard_normal((40, DIMENSION))
    chance = np.random.default_rng(seed)
    rows = centres[chance.integers(0, 40, count)] + 0.5 * chance.standard_normal((count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(params=sorted(APPROXIMATE))
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    def opened() -> LogStore:
        store = DURABLE[request.param](tmp_path / "store", DIMENSION)
        assert isinstance(store, LogStore)
        return store

    return opened


@pytest.fixture
def sealed(reopen: Reopen) -> LogStore:
    """Return a store whose vectors 0..2,999 are sealed."""
    store = reopen()
    store.add(range(COUNT), clustered(COUNT))
    store.flush()
    store.close()
    return reopen()


def described(store: LogStore) -> dict[str, Any]:
    describe = {"IVF,SQ8": describe_faiss, "Annoy": describe_annoy}[store.KIND.KIND]
    return describe(store._folder)


def check(store: LogStore, expected: MemoryStore, allowed: range | None = None, k: int = 10) -> None:
    """Scores are exact, and of the nearest ten at least 95% are found."""
    assert store.ids() == expected.ids()
    assert len(store) == len(expected)
    hits = total = 0
    for query in clustered(40, seed=5):
        found, wanted = store.search(query, k, allowed), expected.search(query, k, allowed)
        assert len(found) == len(wanted)
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
        exact = dict(expected.search(query, COUNT * 2, allowed))
        assert all(abs(score - exact[id_]) < 1e-5 for id_, score in found)
        hits += len({id_ for id_, _ in found} & {id_ for id_, _ in wanted})
        total += len(wanted)
    assert hits >= 0.95 * total


def oracle() -> MemoryStore:
    made = MemoryStore(DIMENSION)
    made.add(range(COUNT), clustered(COUNT))
    return made


def test_what_is_sealed_is_found(sealed: LogStore) -> None:
    index = described(sealed)
    assert index["vectors"] == COUNT
    assert index["kind"] != "exact"
    assert index["recall@10"] >= 0.95
    check(sealed, oracle())
    check(sealed, oracle(), k=1)
    check(sealed, oracle(), k=400)
    assert len(sealed.search(axis(0, 1).repeat(2), 2 * COUNT)) == COUNT


@pytest.mark.parametrize("allowed", [range(5), range(600, 1_400), range(0, COUNT, 2), range(COUNT - 20, 2 * COUNT)])
def test_filters(sealed: LogStore, allowed: range) -> None:
    check(sealed, oracle(), allowed)


def test_what_comes_and_goes_afterwards_needs_no_new_index(sealed: LogStore, reopen: Reopen) -> None:
    before, expected = described(sealed), oracle()
    for store in (sealed, expected):
        store.add(range(COUNT - 20, COUNT + 40), clustered(60, seed=3))
        store.delete(range(500))
        store.flush()
    check(sealed, expected)
    check(sealed, expected, range(400, COUNT, 3))
    assert described(sealed) == before
    check(reopen(), expected)
    np.testing.assert_array_equal(sealed.vectors([COUNT + 1, 700]), expected.vectors([COUNT + 1, 700]))


def test_the_index_grows_in_the_background(sealed: LogStore, reopen: Reopen) -> None:
    expected, reader = oracle(), reopen()
    for turn in range(3):
        for store in (sealed, expected):
            store.delete(range(100 * turn, 100 * turn + 50))
            store.add(range(COUNT + 200 * turn, COUNT + 200 * (turn + 1)), clustered(200, seed=turn))
            store.flush()
        assert sealed._sealing
        sealed._sealing.join()
        check(sealed, expected)
    assert described(sealed)["vectors"] >= COUNT + 200
    assert not sealed._ids, "nothing is left to compare one by one"
    check(reader, expected)
    assert len(list(sealed._folder.glob("sealed-*"))) == 2


def test_a_store_of_which_most_is_deleted_is_written_anew(sealed: LogStore, reopen: Reopen) -> None:
    expected, reader = oracle(), reopen()
    reader.ids()
    size = sealed._log.path.stat().st_size
    for store in (sealed, expected):
        store.delete(range(2_600))
        store.flush()
    assert sealed._log.path.stat().st_size < size / 2
    check(sealed, expected)
    check(reader, expected)
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
        check(store, oracle())
    assert ("damaged" in caplog.text) != (damage == MANIFEST and how == "gone")
    store.add([COUNT], clustered(1))
    store.flush()
    store.close()
    assert described(store)["vectors"] == COUNT + 1


def test_a_manifest_of_a_newer_version_is_left_alone(sealed: LogStore, reopen: Reopen) -> None:
    sealed.close()
    path = sealed._folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    check(reopen(), oracle())


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


def test_a_filter_may_leave_nothing_of_what_is_sealed(sealed: LogStore) -> None:
    fresh = clustered(5, seed=9)
    sealed.add(range(COUNT, COUNT + 5), fresh)
    found = sealed.search(fresh[2], 3, allowed=range(COUNT, COUNT + 5))
    assert found[0][0] == COUNT + 2
    assert sealed.search(fresh[2], 3, allowed=[10 * COUNT]) == []
