"""Rows in memory: each state stays as it was, whatever is made from it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.ports import Vectors
from vectorstores.log.changes import adding, deleting, merged
from vectorstores.log.fresh import FreshRows

IDS = st.lists(st.integers(-3, 12), max_size=6)


def contents(rows: FreshRows) -> dict[int, list[float]]:
    found = rows.contents()
    return dict(zip(found.added.tolist(), found.vectors.tolist(), strict=True))


def values(ids: list[int], turn: int) -> Vectors:
    return np.array([[turn, id_] for id_ in ids], np.float32).reshape(len(ids), 2)


@given(st.lists(st.tuples(IDS, IDS), max_size=30))
def test_every_state_is_that_of_a_dict_and_stays_so(steps: list[tuple[list[int], list[int]]]) -> None:
    rows, expected = FreshRows.none(2), dict[int, list[float]]()
    states = [(rows, dict(expected))]
    for turn, (added, deleted) in enumerate(steps):
        rows = rows.changed(merged([adding(added, values(added, turn), 2), deleting(set(deleted), 2)], 2))
        expected |= dict(zip(added, values(added, turn).tolist(), strict=True))
        expected = {id_: row for id_, row in expected.items() if id_ not in deleted}
        states.append((rows, dict(expected)))
    for rows, wanted in states:
        assert contents(rows) == wanted
        assert rows.count == len(wanted)
        ids = np.array(list(wanted), np.int64)
        np.testing.assert_array_equal(rows.vectors_of(ids), np.array(list(wanted.values())).reshape(-1, 2))
        assert set(rows.among(np.arange(0, 20)).tolist()) == {id_ for id_ in wanted if id_ >= 0}


def test_dead_rows_are_left_behind() -> None:
    rows = FreshRows.none(2)
    for turn in range(100):
        rows = rows.changed(adding(range(50), values(list(range(50)), turn), 2))
    assert len(rows.vectors) <= 200
    assert contents(rows)[7] == [99, 7]
