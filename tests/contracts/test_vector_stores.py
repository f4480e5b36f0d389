"""What every vector store does, compared with brute force; a backend is one entry in BACKENDS."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.errors import StorageError
from kb_server.ports import Vectors, VectorStore
from vectorstores.faiss import FaissStore
from vectorstores.memory import MemoryStore

Open = Callable[[Path, int], VectorStore]

DIMENSION = 8
DURABLE: dict[str, Open] = {"faiss": FaissStore}
BACKENDS: dict[str, Open] = {"memory": lambda _, dimension: MemoryStore(dimension), **DURABLE}
EXTREME_IDS = [-(2**63), -1, 0, 2**63 - 1]


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    opened = BACKENDS[request.param](tmp_path / "store", DIMENSION)
    yield opened
    opened.close()


@pytest.fixture(params=DURABLE)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], VectorStore]:
    return lambda: DURABLE[request.param](tmp_path / "store", DIMENSION)


def unit(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def axis(number: int, sign: float = 1.0) -> Vectors:
    row = np.zeros(DIMENSION, np.float32)
    row[number] = sign
    return row


def assert_same(found: Sequence[tuple[int, float]], expected: Sequence[tuple[int, float]]) -> None:
    assert [number for number, _ in found] == [number for number, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


def oracle(ids: Sequence[int], vectors: Vectors) -> MemoryStore:
    made = MemoryStore(vectors.shape[1])
    made.add(ids, vectors)
    return made


def test_scores_are_half_of_one_plus_cosine(store: VectorStore) -> None:
    store.add([1, 2, 3], np.stack([axis(0), axis(1), axis(0, -1)]))
    assert store.search(axis(0), 3) == [(1, 1.0), (2, 0.5), (3, 0.0)]


def test_results_are_plain_python_numbers(store: VectorStore) -> None:
    store.add([1], axis(0)[None])
    assert [(type(number), type(score)) for number, score in store.search(axis(0), 1)] == [(int, float)]


def test_scores_stay_within_bounds(store: VectorStore) -> None:
    store.add([4, 3, 2, 1], np.stack([axis(0, 3), axis(0, 5), axis(0, -3), axis(0, -5)]))
    assert store.search(axis(0), 4) == [(3, 1.0), (4, 1.0), (1, 0.0), (2, 0.0)]
    assert store.search(axis(0), 1) == [(3, 1.0)]
    assert store.search(axis(0), 3)[2] == (1, 0.0)


@pytest.mark.parametrize(("count", "dimension"), [(7, 3), (500, 8), (3_000, 384)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_agrees_with_brute_force(backend: str, count: int, dimension: int, tmp_path: Path) -> None:
    ids = np.random.default_rng(1).permutation(10 * count)[:count].tolist()
    vectors = unit(count, dimension=dimension)
    store, expected = BACKENDS[backend](tmp_path, dimension), oracle(ids, vectors)
    store.add(ids, vectors)
    for query in unit(5, seed=2, dimension=dimension):
        for k in (1, 10, 200):
            assert_same(store.search(query, k), expected.search(query, k))
            for allowed in (ids[:5], ids[: count // 2], ids[10:]):
                assert_same(store.search(query, k, allowed), expected.search(query, k, allowed))


def test_agrees_with_a_matrix_product(store: VectorStore) -> None:
    vectors, query = unit(300), unit(1, seed=3)[0]
    store.add(range(300), vectors)
    scores = (1 + vectors.astype(np.float64) @ query) / 2
    order = np.argsort(-scores)[:20]
    assert_same(store.search(query, 20), list(zip(order.tolist(), scores[order].tolist(), strict=True)))


def test_ties_go_to_the_lower_id(store: VectorStore) -> None:
    ids = np.random.default_rng(0).permutation(2_000).tolist()
    store.add(ids, np.tile(unit(1), (2_000, 1)))
    assert [number for number, _ in store.search(unit(1)[0], 5)] == [0, 1, 2, 3, 4]
    assert [number for number, _ in store.search(axis(0), 5, range(100, 1_900))] == [100, 101, 102, 103, 104]


def test_add_replaces(store: VectorStore) -> None:
    store.add([1, 2], np.stack([axis(0), axis(1)]))
    store.search(axis(0), 1)
    store.add([1], axis(2)[None])
    assert len(store) == 2
    assert store.search(axis(0), 2) == [(1, 0.5), (2, 0.5)]
    assert store.search(axis(2), 1) == [(1, 1.0)]


def test_the_last_of_an_id_given_twice_counts(store: VectorStore) -> None:
    store.add([1, 2, 1], np.stack([axis(0), axis(1), axis(2)]))
    assert len(store) == 2
    assert store.search(axis(2), 1) == [(1, 1.0)]


def test_a_caller_may_reuse_its_array(store: VectorStore) -> None:
    vectors = axis(0)[None].copy()
    store.add([1], vectors)
    vectors[:] = 0
    assert store.search(axis(0), 1) == [(1, 1.0)]


def test_delete(store: VectorStore) -> None:
    store.add([1, 2, 3], unit(3))
    store.delete([2, 99])
    store.delete({77})
    store.delete([])
    assert store.ids() == {1, 3}
    assert sorted(number for number, _ in store.search(axis(0), 9)) == [1, 3]
    store.add([2], axis(0)[None])
    assert store.search(axis(0), 1) == [(2, 1.0)]


def test_allowed(store: VectorStore) -> None:
    store.add([1, 2, 3], np.stack([axis(0), axis(1), axis(2)]))
    assert store.search(axis(0), 3, []) == []
    assert store.search(axis(0), 3, {2, 3, 99, 2**70}) == [(2, 0.5), (3, 0.5)]
    assert store.search(axis(0), 3, [99]) == []
    assert store.search(axis(0), 1, [3, 3, 1]) == [(1, 1.0)]


def test_empty(store: VectorStore) -> None:
    assert (len(store), store.ids(), store.search(axis(0), 5), store.search(axis(0), 5, [1])) == (0, set(), [], [])
    store.add([], np.empty((0, DIMENSION), np.float32))
    store.flush()
    assert len(store) == 0


def test_k(store: VectorStore) -> None:
    store.add([1, 2], unit(2))
    assert len(store.search(axis(0), 100)) == 2
    assert store.search(axis(0), 0) == []
    assert store.search(axis(0), -1) == []


def test_extreme_ids(store: VectorStore) -> None:
    store.add(EXTREME_IDS, np.stack([axis(number) for number in range(4)]))
    store.flush()
    assert store.ids() == set(EXTREME_IDS)
    for number, found in enumerate(EXTREME_IDS):
        assert store.search(axis(number), 1) == [(found, 1.0)]
    store.delete(EXTREME_IDS[:2])
    assert store.search(axis(0), 9) == [(0, 0.5), (2**63 - 1, 0.5)]


@pytest.mark.parametrize(
    ("ids", "vectors", "reason"),
    [
        ([1, 2], np.stack([axis(0), axis(1, np.nan)]), r"id 2 holds nan"),
        ([1], axis(1, np.inf)[None], r"id 1 holds inf"),
        ([1], np.ones((1, 5), np.float32), r"\(1, 5\).* dimension 8"),
        ([1], np.ones(DIMENSION, np.float32), r"\(8,\).* dimension 8"),
        ([1, 2, 3], unit(2), r"3 ids came with 2 vectors"),
        ([], unit(1), r"0 ids came with 1 vectors"),
        ([2**63], unit(1), r"9223372036854775808"),
    ],
)
def test_what_cannot_be_stored_changes_nothing(
    store: VectorStore, ids: list[int], vectors: Vectors, reason: str
) -> None:
    store.add([1], axis(0)[None])
    with pytest.raises(StorageError, match=reason):
        store.add(ids, vectors)
    assert store.ids() == {1}
    assert store.search(axis(0), 5) == [(1, 1.0)]


@pytest.mark.parametrize(("query", "reason"), [(np.ones(5, np.float32), r"\(5,\)"), (axis(0, np.nan), "nan")])
def test_a_query_that_cannot_be_compared_is_refused(store: VectorStore, query: Vectors, reason: str) -> None:
    store.add([1], axis(0)[None])
    with pytest.raises(StorageError, match=reason):
        store.search(query, 1)


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
    assert again.search(unit(1, seed=9)[0], 100) == expected


def test_what_is_not_flushed_is_not_there_after_reopening(reopen: Callable[[], VectorStore]) -> None:
    store = reopen()
    store.add([1], unit(1))
    store.flush()
    store.add([2], unit(1))
    store.delete([1])
    assert store.ids() == {2}
    store.close()
    assert reopen().ids() == {1}


def test_another_object_sees_each_flush(reopen: Callable[[], VectorStore]) -> None:
    writer, reader = reopen(), reopen()
    for number in range(5):
        writer.add([number], axis(number)[None])
        assert number not in reader.ids()
        writer.flush()
        assert reader.search(axis(number), 1) == [(number, 1.0)]
    writer.delete([0])
    writer.flush()
    assert len(reader) == 4


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


@pytest.mark.parametrize("backend", DURABLE)
@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_any_sequence_agrees_with_brute_force(backend: str, steps: Steps) -> None:
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
                query = np.array([0.5, -0.5, 0.5, 0.5], np.float32)
                assert store.search(query, seed % 9) == expected.search(query, seed % 9)
                assert store.search(query, seed % 9, ids) == expected.search(query, seed % 9, ids)
            else:
                store.flush()
                store = DURABLE[backend](Path(folder), 4) if action == "reopen" else store
            assert store.ids() == expected.ids()
            assert len(store) == len(expected)


def test_threads_search_while_another_adds(store: VectorStore) -> None:
    """An id added before a search began is found by it, with its own vector."""
    vectors, done, failures = unit(400), threading.Event(), list[str]()
    store.add([0], vectors[:1])

    def search() -> None:
        while not done.is_set():
            number, score = store.search(vectors[0], 3)[0]
            if number != 0 or abs(score - 1) > 1e-5:
                failures.append(f"{number} {score}")

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    for start in range(1, 400, 19):
        ids = range(start, min(start + 19, 400))
        store.add(ids, vectors[start : start + 19])
        store.delete([start])
        store.flush()
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(store) == 400 - len(range(1, 400, 19))


def _search_elsewhere(open_store: Open, folder: Path, answers: "multiprocessing.Queue[object]") -> None:
    answers.put(open_store(folder, DIMENSION).search(axis(0), 5))


@pytest.mark.parametrize("backend", DURABLE)
def test_another_process_sees_what_was_flushed(backend: str, tmp_path: Path) -> None:
    store = DURABLE[backend](tmp_path, DIMENSION)
    store.add([1, 2], np.stack([axis(0), axis(1)]))
    store.flush()
    store.add([3], axis(0)[None])
    spawn = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[object] = spawn.Queue()
    process = spawn.Process(target=_search_elsewhere, args=(DURABLE[backend], tmp_path, answers))
    process.start()
    assert answers.get(timeout=60) == [(1, 1.0), (2, 0.5)]
    process.join()
    answers.close()
