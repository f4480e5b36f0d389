"""What a vector store keeps on the disk: reopened, and any sequence of calls."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kb_server.core.ports import VectorStore
from tests.contracts.stores import BUFFERED, DIMENSION, DURABLE, EXACT_TIES, assert_same, axis, unit
from vectorstores.memory import MemoryStore


@pytest.fixture(params=DURABLE)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], VectorStore]:
    return lambda: DURABLE[request.param](tmp_path / "store", DIMENSION)


@pytest.fixture(params=sorted(BUFFERED))
def reopen_buffered(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], VectorStore]:
    return lambda: DURABLE[request.param](tmp_path / "store", DIMENSION)


def test_what_is_flushed_is_there_after_reopening(reopen: Callable[[], VectorStore]) -> None:
    store = reopen()
    store.add(range(50), unit(50))
    store.flush()
    store.delete(range(10))
    store.add([5, 60], np.stack([axis(0), axis(1)]))
    expected = store.search(unit(1, seed=9)[0], 100)
    store.flush()
    store.close()
    again = reopen()
    assert again.ids() == {5, 60, *range(10, 50)}
    assert_same(again.search(unit(1, seed=9)[0], 100), expected)


def test_what_is_not_flushed_is_not_there_after_reopening(reopen_buffered: Callable[[], VectorStore]) -> None:
    store = reopen_buffered()
    store.add([1], unit(1))
    store.flush()
    store.add([2], unit(1))
    store.delete([1])
    assert store.ids() == {2}
    store.close()
    assert reopen_buffered().ids() == {1}


def test_another_object_sees_each_flush(reopen: Callable[[], VectorStore]) -> None:
    writer, reader = reopen(), reopen()
    for number in range(5):
        writer.add([number], axis(number)[None])
        writer.flush()
        assert reader.search(axis(number), 1) == [(number, 1.0)]
    writer.delete([0])
    writer.flush()
    assert len(reader) == 4


def test_nobody_else_sees_what_is_not_flushed(reopen_buffered: Callable[[], VectorStore]) -> None:
    writer, reader = reopen_buffered(), reopen_buffered()
    writer.add([1], axis(1)[None])
    assert (writer.ids(), reader.ids()) == ({1}, set())


def test_writers_may_take_turns(reopen: Callable[[], VectorStore]) -> None:
    first, second = reopen(), reopen()
    for turn in range(6):
        writer = (first, second)[turn % 2]
        writer.add([turn, 100], np.stack([axis(turn), axis(turn)]))
        writer.flush()
    assert first.ids() == second.ids() == reopen().ids() == {*range(6), 100}
    assert first.search(axis(5), 2) == second.search(axis(5), 2) == [(5, 1.0), (100, 1.0)]


Steps = list[tuple[str, list[int], int]]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "delete", "flush", "reopen", "search"]),
        st.lists(st.integers(-3, 12), max_size=6),
        st.integers(0, 2**16),
    ),
    max_size=25,
)


def check_any_sequence(backend: str, steps: Steps) -> None:
    with TemporaryDirectory() as folder:
        store, expected = DURABLE[backend](Path(folder), 4), MemoryStore(4)
        for action, ids, seed in steps:
            # Few distinct values, so that vectors repeat and ties are common.
            vectors = np.random.default_rng(seed).choice([-0.5, 0.5], (len(ids), 4)).astype(np.float32)
            if action == "add":
                store.add(ids, vectors)
                expected.add(ids, vectors)
            elif action == "delete":
                store.delete(ids)
                expected.delete(ids)
            elif action == "search":
                for allowed in (None, ids):
                    query = np.array([0.5, -0.5, 0.5, 0.5], np.float32)
                    compare(backend, store.search(query, seed % 9, allowed), expected.search(query, seed % 9, allowed))
            else:
                store.flush()
                if action == "reopen":
                    store.close()
                    store = DURABLE[backend](Path(folder), 4)
            assert store.ids() == expected.ids()
            assert len(store) == len(expected)
        store.close()


def compare(backend: str, found: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    if backend in EXACT_TIES:
        assert found == expected
    else:
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_any_sequence_agrees_with_brute_force(steps: Steps) -> None:
    check_any_sequence("faiss", steps)


@given(steps=STEPS)
@settings(max_examples=4, deadline=None, phases=[Phase.generate])
def test_any_sequence_agrees_with_brute_force_on_milvus(steps: Steps) -> None:
    check_any_sequence("milvus", steps)
