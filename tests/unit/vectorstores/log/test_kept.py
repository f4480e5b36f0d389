"""Vectors that a snapshot still lists."""

from pathlib import Path

import numpy as np

from kb_server.core.ports import Vectors
from vectorstores.log.kept import FILE_NAME, KeptVectors


def _rows(*values: float) -> Vectors:
    return np.array([[value, 1] for value in values], np.float32)


def _among(kept: KeptVectors, *ids: int) -> dict[int, float]:
    found, vectors = kept.among(ids)
    return dict(zip(found, vectors[:, 0].tolist(), strict=True))


def test_what_was_kept_comes_back_also_in_another_process(tmp_path: Path) -> None:
    first, second = KeptVectors(tmp_path, 2), KeptVectors(tmp_path, 2)
    first.keep([1, 2], _rows(1, 2))
    second.keep([3], _rows(3))
    first.keep([4], _rows(4))
    for kept in (first, second, KeptVectors(tmp_path, 2)):
        assert _among(kept, 1, 3, 4, 99) == {1: 1, 3: 3, 4: 4}


def test_what_is_kept_again_has_its_last_vector(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path, 2)
    kept.keep([1], _rows(1))
    kept.keep([1], _rows(7))
    assert _among(kept, 1) == {1: 7}


def test_what_is_forgotten_gives_its_room_back_and_the_rest_stays(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path, 2)
    kept.keep(range(100), _rows(*range(100)))
    before = (tmp_path / FILE_NAME).stat().st_size
    kept.forget([*range(1, 100), 500])
    assert _among(kept, *range(100)) == {0: 0}
    assert (tmp_path / FILE_NAME).stat().st_size < before / 10


def test_to_forget_what_is_not_there_writes_nothing(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path, 2)
    kept.forget([1])
    assert not (tmp_path / FILE_NAME).exists()
    kept.keep([1], _rows(1))
    before = (tmp_path / FILE_NAME).stat()
    kept.forget([2])
    assert (tmp_path / FILE_NAME).stat().st_ino == before.st_ino
    assert kept.among([])[0] == []
