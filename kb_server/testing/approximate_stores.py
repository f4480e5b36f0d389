"""Stores with an approximate index beside brute force, while vectors come and go."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from kb_server.core.ports import Vectors, VectorStore
from kb_server.testing.vector_stores import OpenStore, VectorStoreSuite, brute_force
from vectorstores.memory import MemoryStore

DIMENSION, COUNT = 16, 3_000


def clustered(count: int, seed: int = 0) -> Vectors:
    """Return points of a mixture of 40 bells: float32 [count, DIMENSION], unit length."""
    centres = np.random.default_rng(99).standard_normal((40, DIMENSION))
    random = np.random.default_rng(seed)
    rows = centres[random.integers(0, 40, count)] + 0.5 * random.standard_normal((count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def assert_near(store: VectorStore, expected: MemoryStore, allowed: range | None = None, k: int = 10) -> None:
    """Compare two stores: scores are exact, and of the nearest k at least 95% are found."""
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


class ApproximateStoreSuite(VectorStoreSuite):
    """A store that does not compare all vectors once there are many; open it so that 3,000 are many.

    Nothing is forgotten: `k`, `allowed` and deletions count exactly, scores are those of brute force, and at least 95%
    of the nearest ten are found.
    """

    @pytest.fixture
    def filled(self, open_store: OpenStore, tmp_path: Path) -> Iterator[VectorStore]:
        """Fill a store with the clustered vectors 0..2,999 and open it again."""
        store = open_store(tmp_path / "store", DIMENSION)
        store.add(range(COUNT), clustered(COUNT))
        store.flush()
        store.close()
        opened = open_store(tmp_path / "store", DIMENSION)
        yield opened
        opened.close()

    @pytest.fixture
    def expected(self) -> MemoryStore:
        """Return the oracle with the same vectors."""
        return brute_force(range(COUNT), clustered(COUNT))

    @pytest.mark.parametrize("k", [1, 10, 400])
    def test_the_nearest_are_found(self, filled: VectorStore, expected: MemoryStore, k: int) -> None:
        assert_near(filled, expected, k=k)

    def test_as_many_are_found_as_are_asked_for(self, filled: VectorStore) -> None:
        assert len(filled.search(clustered(1, seed=7)[0], 2 * COUNT)) == COUNT

    @pytest.mark.parametrize("allowed", [range(5), range(600, 1_400), range(0, COUNT, 2), range(COUNT - 20, 2 * COUNT)])
    def test_among_those_allowed(self, filled: VectorStore, expected: MemoryStore, allowed: range) -> None:
        assert_near(filled, expected, allowed)

    def test_nothing_may_be_left_to_search(self, filled: VectorStore) -> None:
        fresh = clustered(5, seed=9)
        filled.add(range(COUNT, COUNT + 5), fresh)
        found = filled.search(fresh[2], 3, allowed=range(COUNT, COUNT + 5))
        assert found[0][0] == COUNT + 2
        assert filled.search(fresh[2], 3, allowed=[10 * COUNT]) == []

    def test_what_comes_and_goes_afterwards(
        self, filled: VectorStore, expected: MemoryStore, open_store: OpenStore, tmp_path: Path
    ) -> None:
        for store in (filled, expected):
            store.add(range(COUNT - 20, COUNT + 40), clustered(60, seed=3))
            store.delete(range(500))
            store.flush()
        assert_near(filled, expected)
        assert_near(filled, expected, range(400, COUNT, 3))
        np.testing.assert_array_equal(filled.vectors([COUNT + 1, 700]), expected.vectors([COUNT + 1, 700]))
        with closing(open_store(tmp_path / "store", DIMENSION)) as again:
            assert_near(again, expected)
