"""What every vector store does, compared with brute force."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors, VectorStore
from tests.contracts.stores import APPROXIMATE, BACKENDS, DIMENSION, EXACT_TIES, assert_same, axis, oracle, unit

EXTREME_IDS = [-(2**63), -1, 0, 2**63 - 1]


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    opened = BACKENDS[request.param](tmp_path / "store", DIMENSION)
    yield opened
    opened.close()


@pytest.fixture(params=sorted(EXACT_TIES))
def tying_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    opened = BACKENDS[request.param](tmp_path / "store", DIMENSION)
    yield opened
    opened.close()


def test_scores_are_half_of_one_plus_cosine(store: VectorStore) -> None:
    store.add([1, 2, 3], np.stack([axis(0), axis(1), axis(0, -1)]))
    assert store.search(axis(0), 3) == [(1, 1.0), (2, 0.5), (3, 0.0)]


def test_results_are_plain_python_numbers(store: VectorStore) -> None:
    store.add([1], axis(0)[None])
    assert [(type(number), type(score)) for number, score in store.search(axis(0), 1)] == [(int, float)]


def test_scores_stay_within_bounds(store: VectorStore) -> None:
    store.add([4, 3, 2, 1], np.stack([axis(0, 3), axis(0, 5), axis(0, -3), axis(0, -5)]))
    assert store.search(axis(0), 4) == [(3, 1.0), (4, 1.0), (1, 0.0), (2, 0.0)]


def test_ties_beyond_the_bounds_go_to_the_lower_id(tying_store: VectorStore) -> None:
    tying_store.add([4, 3, 2, 1], np.stack([axis(0, 3), axis(0, 5), axis(0, -3), axis(0, -5)]))
    assert tying_store.search(axis(0), 1) == [(3, 1.0)]
    assert tying_store.search(axis(0), 3)[2] == (1, 0.0)


@pytest.mark.parametrize(("count", "dimension"), [(7, 3), (500, 8), (3_000, 384)])
@pytest.mark.parametrize("backend", sorted(BACKENDS.keys() - APPROXIMATE))
def test_agrees_with_brute_force(backend: str, count: int, dimension: int, tmp_path: Path) -> None:
    ids = np.random.default_rng(1).permutation(10 * count)[:count].tolist()
    vectors = unit(count, dimension=dimension)
    store, expected = BACKENDS[backend](tmp_path, dimension), oracle(ids, vectors)
    store.add(ids, vectors)
    store.flush()
    for query in unit(3, seed=2, dimension=dimension):
        for k in (1, 10, 200):
            assert_same(store.search(query, k), expected.search(query, k))
            for allowed in (ids[:5], ids[: count // 2], ids[10:]):
                assert_same(store.search(query, k, allowed), expected.search(query, k, allowed))
    store.close()


def test_agrees_with_a_matrix_product(store: VectorStore) -> None:
    vectors, query = unit(90), unit(1, seed=3)[0]
    store.add(range(90), vectors)
    scores = (1 + vectors.astype(np.float64) @ query) / 2
    order = np.argsort(-scores)[:20]
    assert_same(store.search(query, 20), list(zip(order.tolist(), scores[order].tolist(), strict=True)))


def test_ties_go_to_the_lower_id(tying_store: VectorStore) -> None:
    ids = np.random.default_rng(0).permutation(2_000).tolist()
    tying_store.add(ids, np.tile(unit(1), (2_000, 1)))
    assert [number for number, _ in tying_store.search(unit(1)[0], 5)] == [0, 1, 2, 3, 4]
    assert [number for number, _ in tying_store.search(axis(0), 5, range(100, 1_900))] == [100, 101, 102, 103, 104]


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


def test_vectors_come_back_in_the_order_asked_for(store: VectorStore) -> None:
    store.add([1, 2, 3], unit(3))
    store.delete([2])
    np.testing.assert_array_equal(store.vectors([3, 1]), unit(3)[[2, 0]])
    assert store.vectors([]).shape == (0, DIMENSION)
    with pytest.raises(KeyError, match="2"):
        store.vectors([1, 2])


def test_destroyed_is_empty(store: VectorStore) -> None:
    store.add([1], unit(1))
    store.flush()
    store.destroy()
    assert len(store) == 0


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
