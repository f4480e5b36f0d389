"""Live vectors of a log, found by where they lie in it."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.errors import StorageError
from vectorstores.log.changes import Changes, adding, deleting
from vectorstores.log.log import VectorLog
from vectorstores.log.manifest import Position
from vectorstores.log.rows import RowReader, live_rows

_IDS = st.integers(0, 4)
_FRAMES = st.lists(st.tuples(st.lists(st.tuples(_IDS, st.integers(0, 99)), max_size=4), st.sets(_IDS)), max_size=4)


def _written(path: Path, frames: list[tuple[list[tuple[int, int]], set[int]]]) -> VectorLog:
    log = VectorLog(path, 2)
    log.replace([])
    for added, deleted in frames:
        vectors = np.array([[value, 0] for _, value in added], np.float32).reshape(-1, 2)
        log.append(Changes(np.array([n for n, _ in added], np.int64), vectors, deleting(deleted, 2).deleted))
    return log


@given(_FRAMES)
@settings(max_examples=30)
def test_live_rows_are_what_additions_and_deletions_leave(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[list[tuple[int, int]], set[int]]]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "vectors.log"
    log = _written(path, frames)
    held: dict[int, int] = {}
    for added, deleted in frames:
        held |= dict(added)
        held = {number: value for number, value in held.items() if number not in deleted}
    live = live_rows(path, 2, log.position)
    with RowReader(path, 2) as reader:
        assert dict(zip(live.ids.tolist(), reader.read(live.offsets)[:, 0].tolist(), strict=True)) == held


def test_a_position_before_the_end_leaves_out_what_came_later(tmp_path: Path) -> None:
    log = _written(tmp_path / "a.log", [([(1, 1)], set())])
    position = log.position
    log.append(adding([2], np.ones((1, 2), np.float32), 2))
    assert live_rows(tmp_path / "a.log", 2, position).ids.tolist() == [1]
    assert live_rows(tmp_path / "a.log", 2, log.position).ids.tolist() == [1, 2]


def test_a_file_written_anew_is_another(tmp_path: Path) -> None:
    log = _written(tmp_path / "a.log", [([(1, 1)], set())])
    position = log.position
    log.replace([adding([1], np.ones((1, 2), np.float32), 2)])
    with pytest.raises(StorageError, match="cannot be indexed: it was written again meanwhile"):
        live_rows(tmp_path / "a.log", 2, position)


def test_damage_and_a_file_that_is_gone(tmp_path: Path) -> None:
    log = _written(tmp_path / "a.log", [([(1, 1), (2, 2)], set())])
    data = bytearray((tmp_path / "a.log").read_bytes())
    data[-3] ^= 1
    (tmp_path / "a.log").write_bytes(bytes(data))
    with pytest.raises(StorageError, match="cannot be indexed"):
        live_rows(tmp_path / "a.log", 2, log.position)
    with pytest.raises(StorageError, match="cannot be indexed"):
        live_rows(tmp_path / "none.log", 2, Position("", 0, 0))


@pytest.mark.parametrize("count", [0, 1, 2048, 2049, 5000])
def test_blocks_cover_every_row_once(tmp_path: Path, count: int) -> None:
    """Rows come in the order asked for, also where they do not lie one after another."""
    log = _written(tmp_path / "a.log", [([(n, n) for n in range(count)], set())])
    live = live_rows(tmp_path / "a.log", 2, log.position)
    mixed = np.random.default_rng(1).permutation(count)
    with RowReader(tmp_path / "a.log", 2) as reader:
        found = [(start, vectors[:, 0]) for start, vectors in reader.blocks(live.offsets[mixed])]
    assert [start for start, _ in found] == list(range(0, count, 2048))
    assert np.array_equal(np.concatenate([np.empty(0), *(values for _, values in found)]), live.ids[mixed])


def test_an_open_file_stays_readable_when_it_is_replaced(tmp_path: Path) -> None:
    log = _written(tmp_path / "a.log", [([(1, 7)], set())])
    live = live_rows(tmp_path / "a.log", 2, log.position)
    reader = RowReader(tmp_path / "a.log", 2)
    log.replace([])
    assert reader.read(live.offsets).tolist() == [[7, 0]]
    reader.close()
    reader.close()


def test_a_file_that_was_cut_is_told(tmp_path: Path) -> None:
    log = _written(tmp_path / "a.log", [([(1, 7), (2, 8)], set())])
    live = live_rows(tmp_path / "a.log", 2, log.position)
    with RowReader(tmp_path / "a.log", 2) as reader:
        os.truncate(tmp_path / "a.log", int(live.offsets[1]) + 3)
        with pytest.raises(StorageError, match="is shorter than its index says"):
            reader.read(live.offsets)
