"""What every vector store does, compared with brute force and with a matrix product."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors, VectorStore
from vectorstores.memory import MemoryStore

OpenStore = Callable[[Path, int], VectorStore]
"""Opens the store in a folder, which need not be there yet, for vectors of this length."""

Reopen = Callable[[], VectorStore]
"""Opens the test's folder again."""

Found = list[tuple[int, float]]

DIMENSION = 8
EXTREME_IDS = [-(2**63), -1, 0, 2**63 - 1]


def unit_vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    """Return random float32 [count, dimension] of unit length; the same for the same seed."""
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def axis(number: int, length: float = 1.0) -> Vectors:
    """Return float32 [DIMENSION] that is 0 but for one number."""
    row = np.zeros(DIMENSION, np.float32)
    row[number] = length
    return row


def brute_force(ids: Sequence[int], vectors: Vectors) -> MemoryStore:
    """Return the store that others are compared with, filled."""
    made = MemoryStore(vectors.shape[1])
    made.add(ids, vectors)
    return made


def assert_same(found: Found, expected: Found) -> None:
    """Compare ids in order, and scores to five decimals."""
    assert [id_ for id_, _ in found] == [id_ for id_, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


class VectorStoreSuite:
    """The promises of VectorStore that hold within one process.

    Give it the fixture `open_store`; it returns an OpenStore. A class or a function of a module will do (a lambda does
    not go to another process, as SharedStoreSuite asks). Inherit beside it what else the store can do:
    DurableStoreSuite (every store with files), BufferedStoreSuite, SharedStoreSuite; ExactStoreSuite and
    OrderedTiesSuite, or ApproximateStoreSuite.
    """

    @pytest.fixture
    def open_store(self) -> OpenStore:
        """Return what opens the store under test."""
        raise NotImplementedError("A class that inherits VectorStoreSuite has a fixture `open_store`.")

    @pytest.fixture
    def reopen(self, open_store: OpenStore, tmp_path: Path) -> Iterator[Reopen]:
        """Return what opens the test's folder. All it opened is closed after the test, some for the second time."""
        with ExitStack() as stack:
            yield lambda: stack.enter_context(closing(open_store(tmp_path / "store", DIMENSION)))

    @pytest.fixture
    def store(self, reopen: Reopen) -> VectorStore:
        """Open an empty store."""
        return reopen()

    def assert_agrees(self, found: Found, expected: Found) -> None:
        """Compare scores only: of equal vectors at the end of a list any may be there (see OrderedTiesSuite)."""
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)

    def test_scores_are_half_of_one_plus_cosine(self, store: VectorStore) -> None:
        store.add([1, 2, 3], np.stack([axis(0), axis(1), axis(0, -1)]))
        assert store.search(axis(0), 3) == [(1, 1.0), (2, 0.5), (3, 0.0)]

    def test_results_are_plain_python_numbers(self, store: VectorStore) -> None:
        store.add([1], axis(0)[None])
        assert [(type(number), type(score)) for number, score in store.search(axis(0), 1)] == [(int, float)]

    def test_scores_stay_within_bounds(self, store: VectorStore) -> None:
        store.add([4, 3, 2, 1], np.stack([axis(0, 3), axis(0, 5), axis(0, -3), axis(0, -5)]))
        assert store.search(axis(0), 4) == [(3, 1.0), (4, 1.0), (1, 0.0), (2, 0.0)]

    def test_agrees_with_a_matrix_product(self, store: VectorStore) -> None:
        vectors, query = unit_vectors(90), unit_vectors(1, seed=3)[0]
        store.add(range(90), vectors)
        scores = (1 + vectors.astype(np.float64) @ query) / 2
        order = np.argsort(-scores)[:20]
        assert_same(store.search(query, 20), list(zip(order.tolist(), scores[order].tolist(), strict=True)))

    def test_add_replaces(self, store: VectorStore) -> None:
        store.add([1, 2], np.stack([axis(0), axis(1)]))
        store.search(axis(0), 1)
        store.add([1], axis(2)[None])
        assert len(store) == 2
        assert store.search(axis(0), 2) == [(1, 0.5), (2, 0.5)]
        assert store.search(axis(2), 1) == [(1, 1.0)]

    def test_the_last_of_an_id_given_twice_counts(self, store: VectorStore) -> None:
        store.add([1, 2, 1], np.stack([axis(0), axis(1), axis(2)]))
        assert len(store) == 2
        assert store.search(axis(2), 1) == [(1, 1.0)]

    def test_a_caller_may_reuse_its_array(self, store: VectorStore) -> None:
        vectors = axis(0)[None].copy()
        store.add([1], vectors)
        vectors[:] = 0
        assert store.search(axis(0), 1) == [(1, 1.0)]

    def test_delete(self, store: VectorStore) -> None:
        store.add([1, 2, 3], unit_vectors(3))
        store.delete([2, 99])
        store.delete({77})
        store.delete([])
        assert store.ids() == {1, 3}
        assert sorted(number for number, _ in store.search(axis(0), 9)) == [1, 3]
        store.add([2], axis(0)[None])
        assert store.search(axis(0), 1) == [(2, 1.0)]

    def test_allowed(self, store: VectorStore) -> None:
        store.add([1, 2, 3], np.stack([axis(0), axis(1), axis(2)]))
        assert store.search(axis(0), 3, []) == []
        assert store.search(axis(0), 3, {2, 3, 99, 2**70}) == [(2, 0.5), (3, 0.5)]
        assert store.search(axis(0), 3, [99]) == []
        assert store.search(axis(0), 1, [3, 3, 1]) == [(1, 1.0)]

    def test_vectors_come_back_in_the_order_asked_for(self, store: VectorStore) -> None:
        store.add([1, 2, 3], unit_vectors(3))
        store.delete([2])
        np.testing.assert_array_equal(store.vectors([3, 1]), unit_vectors(3)[[2, 0]])
        assert store.vectors([]).shape == (0, DIMENSION)
        with pytest.raises(KeyError, match="2"):
            store.vectors([1, 2])

    def test_destroyed_is_empty(self, store: VectorStore) -> None:
        store.add([1], unit_vectors(1))
        store.flush()
        store.destroy()
        assert len(store) == 0

    def test_empty(self, store: VectorStore) -> None:
        assert (len(store), store.ids()) == (0, set())
        assert (store.search(axis(0), 5), store.search(axis(0), 5, [1])) == ([], [])
        store.add([], np.empty((0, DIMENSION), np.float32))
        store.flush()
        assert len(store) == 0

    def test_k(self, store: VectorStore) -> None:
        store.add([1, 2], unit_vectors(2))
        assert len(store.search(axis(0), 100)) == 2
        assert store.search(axis(0), 0) == []
        assert store.search(axis(0), -1) == []

    def test_extreme_ids(self, store: VectorStore) -> None:
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
            ([1, 2], np.stack([axis(0), axis(1, np.nan)]), r"\b2\b.*nan"),
            ([1], axis(1, np.inf)[None], r"\b1\b.*inf"),
            ([1], np.ones((1, 5), np.float32), r"\(1, 5\).*\b8\b"),
            ([1], np.ones(DIMENSION, np.float32), r"\(8,\)"),
            ([1, 2, 3], unit_vectors(2), r"\b3\b.*\b2\b"),
            ([], unit_vectors(1), r"\b0\b.*\b1\b"),
            ([2**63], unit_vectors(1), r"9223372036854775808"),
        ],
    )
    def test_what_cannot_be_stored_changes_nothing(
        self, store: VectorStore, ids: list[int], vectors: Vectors, reason: str
    ) -> None:
        store.add([1], axis(0)[None])
        with pytest.raises(StorageError, match=reason):
            store.add(ids, vectors)
        assert store.ids() == {1}
        assert store.search(axis(0), 5) == [(1, 1.0)]

    @pytest.mark.parametrize(("query", "reason"), [(np.ones(5, np.float32), r"\(5,\)"), (axis(0, np.nan), "nan")])
    def test_a_query_that_cannot_be_compared_is_refused(self, store: VectorStore, query: Vectors, reason: str) -> None:
        store.add([1], axis(0)[None])
        with pytest.raises(StorageError, match=reason):
            store.search(query, 1)

    def test_threads_search_while_another_adds(self, store: VectorStore) -> None:
        """An id added before a search began is found by it, with its own vector."""
        vectors, done, failures = unit_vectors(400), threading.Event(), list[str]()
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
            store.add(range(start, min(start + 19, 400)), vectors[start : start + 19])
            store.delete([start])
            store.flush()
        done.set()
        for reader in readers:
            reader.join()
        assert failures == []
        assert len(store) == 400 - len(range(1, 400, 19))


class ExactStoreSuite(VectorStoreSuite):
    """A store that compares a question with every vector: it finds what brute force finds."""

    @pytest.mark.parametrize(("count", "dimension"), [(7, 3), (500, 8), (3_000, 384)])
    def test_agrees_with_brute_force(self, open_store: OpenStore, count: int, dimension: int, tmp_path: Path) -> None:
        ids = np.random.default_rng(1).permutation(10 * count)[:count].tolist()
        vectors = unit_vectors(count, dimension=dimension)
        store, expected = open_store(tmp_path / "store", dimension), brute_force(ids, vectors)
        store.add(ids, vectors)
        store.flush()
        for query in unit_vectors(3, seed=2, dimension=dimension):
            for k in (1, 10, 200):
                assert_same(store.search(query, k), expected.search(query, k))
                for allowed in (ids[:5], ids[: count // 2], ids[10:]):
                    assert_same(store.search(query, k, allowed), expected.search(query, k, allowed))
        store.close()


class OrderedTiesSuite(VectorStoreSuite):
    """A store where of equal vectors the lower id comes first and is kept, also at the end of a list."""

    def assert_agrees(self, found: Found, expected: Found) -> None:
        """Compare ids and scores, to the last bit."""
        assert found == expected

    def test_ties_go_to_the_lower_id(self, store: VectorStore) -> None:
        ids = np.random.default_rng(0).permutation(2_000).tolist()
        store.add(ids, np.tile(unit_vectors(1), (2_000, 1)))
        assert [number for number, _ in store.search(unit_vectors(1)[0], 5)] == [0, 1, 2, 3, 4]
        assert [number for number, _ in store.search(axis(0), 5, range(100, 1_900))] == [100, 101, 102, 103, 104]

    def test_ties_beyond_the_bounds_go_to_the_lower_id(self, store: VectorStore) -> None:
        store.add([4, 3, 2, 1], np.stack([axis(0, 3), axis(0, 5), axis(0, -3), axis(0, -5)]))
        assert store.search(axis(0), 1) == [(3, 1.0)]
        assert store.search(axis(0), 3)[2] == (1, 0.0)
