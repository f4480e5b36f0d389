"""How a vector is scored."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.errors import StorageError
from vectorstores.ranking import checked_query, ranked

_UNIT = st.floats(0, 2 * math.pi).map(lambda angle: [math.cos(angle), math.sin(angle)])


def test_the_score_is_half_of_one_plus_the_cosine() -> None:
    vectors = np.array([[1, 0], [0, 1], [-1, 0], [0.5, math.sqrt(0.75)]], np.float32)
    found = ranked(np.array([1, 2, 3, 4]), vectors, np.array([1, 0], np.float32), 10)
    assert [number for number, _ in found] == [1, 4, 2, 3]
    assert [score for _, score in found] == pytest.approx([1, 0.75, 0.5, 0])


def test_among_equals_the_lower_id_comes_first() -> None:
    vectors = np.full((4, 3), 1 / math.sqrt(3), np.float32)
    query = vectors[0]
    found = ranked(np.array([9, -4, 7, 2]), vectors, query, 3)
    assert [number for number, _ in found] == [-4, 2, 7]
    assert len({score for _, score in found}) == 1


@given(st.lists(_UNIT, min_size=1, max_size=12), _UNIT, st.integers(-1, 15), st.randoms())
def test_the_order_of_the_rows_does_not_count(
    rows: list[list[float]], query: list[float], k: int, chance: Random
) -> None:
    vectors, ids = np.array(rows, np.float32), np.arange(len(rows))
    shuffled = list(range(len(rows)))
    chance.shuffle(shuffled)
    wanted = np.array(query, np.float32)
    found = ranked(ids, vectors, wanted, k)
    assert found == ranked(ids[shuffled], vectors[shuffled], wanted, k)
    assert len(found) == min(max(k, 0), len(rows))
    assert all(0 <= score <= 1 for _, score in found)


def test_vectors_a_little_longer_than_one_do_not_leave_the_scale() -> None:
    assert ranked(np.array([1]), np.array([[1.001]], np.float32), np.array([1.0], np.float32), 1) == [(1, 1.0)]


def test_a_query_is_float32_whatever_it_came_as() -> None:
    assert checked_query(np.array([1, 2], np.int64).astype(np.float64), 2).dtype == np.float32


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ([1.0], r"shape \(1,\) does not fit a store of dimension 2"),
        ([[1.0, 2.0]], r"shape \(1, 2\)"),
        ([1.0, math.nan], "holds nan"),
        ([math.inf, 0.0], "holds inf"),
        ([1e39, 0.0], "holds inf"),  # too large for float32
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_query_that_cannot_be_compared(query: list[float], reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        checked_query(np.array(query), 2)
