"""Additions and deletions, checked and merged."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.errors import StorageError
from vectorstores.log.changes import Changes, adding, deleting, last_occurrences, merged

_IDS = st.integers(-3, 3)
_BATCHES = st.lists(st.tuples(st.lists(st.tuples(_IDS, st.integers(0, 99)), max_size=4), st.sets(_IDS)), max_size=5)


def _batch(added: list[tuple[int, int]], deleted: set[int]) -> Changes:
    vectors = np.array([[value, 0] for _, value in added], np.float32).reshape(-1, 2)
    return Changes(np.array([number for number, _ in added], np.int64), vectors, deleting(deleted, 2).deleted)


@given(_BATCHES)
def test_a_merged_batch_leaves_what_the_batches_leave_one_after_the_other(
    batches: list[tuple[list[tuple[int, int]], set[int]]],
) -> None:
    held: dict[int, int] = {}
    gone: set[int] = set()
    for added, deleted in batches:
        held |= dict(added)
        gone = (gone - dict(added).keys()) | deleted
        held = {number: value for number, value in held.items() if number not in deleted}
    whole = merged([_batch(*batch) for batch in batches], 2)
    assert dict(zip(whole.added.tolist(), whole.vectors[:, 0].tolist(), strict=True)) == held
    assert set(whole.deleted.tolist()) == gone
    assert len(whole) == len(held) + len(gone)


@given(st.lists(_IDS))
def test_last_occurrences(ids: list[int]) -> None:
    found = last_occurrences(np.array(ids, np.int64)).tolist()
    assert found == sorted({number: place for place, number in enumerate(ids)}.values())


def test_what_was_added_is_a_copy() -> None:
    vectors = np.ones((1, 2), np.float32)
    changes = adding([7], vectors, 2)
    vectors[0, 0] = 5
    assert changes.vectors.tolist() == [[1, 1]]


def test_nothing_at_all() -> None:
    assert adding([], np.empty(0, np.float32), 3).vectors.shape == (0, 3)
    assert merged([], 3).vectors.shape == (0, 3)
    assert len(merged([], 3)) == 0


def test_deletions_come_in_ascending_order() -> None:
    assert deleting({5, -1, 3}, 2).deleted.tolist() == [-1, 3, 5]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_an_id_that_does_not_fit_is_named(number: int) -> None:
    with pytest.raises(StorageError, match=f"Id {number} does not fit in 64 bits"):
        adding([1, number], np.ones((2, 2), np.float32), 2)


@pytest.mark.parametrize(
    ("ids", "vectors", "reason"),
    [
        ([1], [[1.0, 2.0, 3.0]], r"shape \(1, 3\) do not fit a store of dimension 2"),
        ([1], [1.0, 2.0], r"shape \(2,\)"),
        ([1, 2], [[1.0, 2.0]], "2 ids came with 1 vectors"),
        ([1, 2], [[1.0, 2.0], [math.nan, 0.0]], "The vector of id 2 holds nan"),
        ([1, 2], [[0.0, -math.inf], [1.0, 0.0]], "The vector of id 1 holds -inf"),
    ],
)
def test_what_cannot_be_stored_says_why(ids: list[int], vectors: list[object], reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        adding(ids, np.array(vectors), 2)
