"""Mixing scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Fusion
from kb_server.search.fusion import UNFITTED_WEIGHT, dense_scores, dense_weight, fuse, named_first
from vectorstores.memory import MemoryStore

_SCORES = st.dictionaries(st.integers(0, 20), st.floats(0, 1), max_size=10)


def _rank(found: list[tuple[int, float]], id_: int) -> int:
    return [found_id for found_id, _ in found].index(id_)


@given(_SCORES, _SCORES, st.floats(0, 1), st.integers(0, 20), st.floats(0, 1), st.booleans())
def test_a_higher_score_never_ranks_lower(
    dense: dict[int, float], lexical: dict[int, float], weight: float, id_: int, raised: float, in_dense: bool
) -> None:
    side = dense if in_dense else lexical
    side.setdefault(id_, 0.0)
    before = _rank(fuse(dense, lexical, weight), id_)
    side[id_] = max(side[id_], raised)
    assert _rank(fuse(dense, lexical, weight), id_) <= before


@given(_SCORES, _SCORES)
def test_the_ends_are_one_side_alone(dense: dict[int, float], lexical: dict[int, float]) -> None:
    for weight, side in ((0.0, lexical), (1.0, dense)):
        expected = sorted({*dense, *lexical}, key=lambda id_: (-side.get(id_, 0.0), id_))
        assert fuse(dense, lexical, weight) == [(id_, side.get(id_, 0.0)) for id_ in expected]


@given(_SCORES, _SCORES, st.floats(0, 1))
def test_every_id_once_with_a_score_in_range(dense: dict[int, float], lexical: dict[int, float], weight: float) -> None:
    found = fuse(dense, lexical, weight)
    assert sorted(id_ for id_, _ in found) == sorted({*dense, *lexical})
    assert all(0 <= score <= 1 + 1e-12 for _, score in found)


def test_the_weight_goes_by_script() -> None:
    fusion = Fusion({"cjk": 0.1, "other": 0.6}, 10)
    assert dense_weight(fusion, "什么是RAG？") == 0.1
    assert dense_weight(fusion, "What is RAG?") == 0.6
    assert dense_weight(None, "What is RAG?") == UNFITTED_WEIGHT


def test_who_holds_a_named_code_comes_first() -> None:
    assert named_first([(1, 0.9), (2, 0.6), (3, 0.5)], {2}) == [(2, 0.6), (1, 0.45), (3, 0.25)]


def test_a_cosine_counts_from_the_floor() -> None:
    store = MemoryStore(2)
    store.add([1, 2], np.array([[1, 0], [0.8, 0.6]], np.float32))
    assert dense_scores(store, np.array([1, 0], np.float32), 2, [], floor=0.6) == pytest.approx({1: 1.0, 2: 0.5})


def test_dense_scores_of_the_nearest_and_of_others_asked_for() -> None:
    store = MemoryStore(2)
    store.add([1, 2, 3], np.array([[1, 0], [0.6, 0.8], [-1, 0]], np.float32))
    found = dense_scores(store, np.array([1, 0], np.float32), 1, [1, 3, 99])
    assert found == pytest.approx({1: 1.0, 3: 0.0})
    assert dense_scores(store, np.array([1, 0], np.float32), 5, [], [2]) == pytest.approx({2: 0.6})
