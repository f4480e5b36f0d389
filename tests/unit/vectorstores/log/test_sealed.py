"""The sealed part of a store: it follows the log, and damage only means that it is made again."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vectorstores.log.sealed
from kb_server.core.ports import Vectors
from vectorstores.log.changes import adding, deleting
from vectorstores.log.log import VectorLog
from vectorstores.log.manifest import read_manifest
from vectorstores.log.rows import RowReader, live_rows
from vectorstores.log.sealed import Sample, Sealed, open_sealed, seal

pytest.importorskip("faiss", reason="FAISS is an extra")

from vectorstores.faiss.store import IvfIndex

DIMENSION = 8
COUNT = 400


def _unit(count: int, seed: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@pytest.fixture
def log(tmp_path: Path) -> VectorLog:
    made = VectorLog(tmp_path / "vectors.log", DIMENSION)
    made.replace([adding(range(0, 10 * COUNT, 10), _unit(COUNT), DIMENSION)])
    return made


def _seal(log: VectorLog) -> None:
    seal(log.path.parent, log.path, DIMENSION, log.position, IvfIndex, {})


def _opened(log: VectorLog) -> Sealed:
    found = open_sealed(log.path.parent, log.path, DIMENSION, IvfIndex)
    assert found is not None
    return found


def test_it_names_the_best_with_their_exact_vectors(log: VectorLog) -> None:
    _seal(log)
    sealed, vectors = _opened(log), _unit(COUNT)
    hits = 0
    for query in _unit(20, seed=2):
        ids, found = sealed.candidates(query, 5, None)
        assert np.array_equal(found, vectors[ids // 10])
        hits += len(np.intersect1d(ids, 10 * np.argsort(-(vectors @ query))[:5]))
    assert hits >= 95


@pytest.mark.parametrize("count", [0, 3, 30, 200])
def test_of_what_is_allowed_only_that_is_named(log: VectorLog, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectorstores.log.sealed, "_GATHERED", 50)
    _seal(log)
    sealed = _opened(log)
    allowed = np.array([*range(0, 10 * count, 10), 5, 99_999], np.int64)
    ids, _ = sealed.candidates(_unit(1, seed=2)[0], 5, allowed)
    assert set(ids.tolist()) <= set(allowed.tolist())
    assert len(ids) == count if count <= 50 else 5 <= len(ids) < count


def test_what_is_taken_out_is_not_found_any_more_and_still_there_for_who_searches(log: VectorLog) -> None:
    _seal(log)
    before, vectors = _opened(log), _unit(COUNT)
    after = before.without(np.array([0, 10, 10, 7]))
    assert (after.count, len(after.live_ids())) == (COUNT - 2, COUNT - 2)
    assert 0 not in after.candidates(vectors[0], 5, None)[0]
    assert after.among(np.array([0, 20, 7])).tolist() == [20]
    assert np.array_equal(after.vectors(np.array([50, 20, 50])), vectors[[5, 2, 5]])
    assert after.without(np.array([0, 7])) is after
    assert before.count == COUNT
    assert 0 in before.candidates(vectors[0], 5, None)[0]


def test_sealed_again_it_takes_in_what_is_new_and_leaves_out_what_is_gone(log: VectorLog) -> None:
    _seal(log)
    before = read_manifest(log.path.parent)
    log.append(adding([1, 0], _unit(2, seed=5), DIMENSION))
    log.append(deleting([20], DIMENSION))
    _seal(log)
    after = read_manifest(log.path.parent)
    assert before is not None
    assert after is not None
    assert after.parameters["trained_on"] == before.parameters["trained_on"], "the old index was extended"
    sealed = _opened(log)
    assert set(sealed.live_ids().tolist()) == {1, *range(0, 10 * COUNT, 10)} - {20}
    ids, vectors = sealed.candidates(_unit(2, seed=5)[1], 1, None)
    assert 0 in ids
    assert np.array_equal(vectors[ids == 0][0], _unit(2, seed=5)[1])
    assert sorted(sealed.among(np.array([0, 1, 10, 20])).tolist()) == [0, 1, 10], (
        "a replaced id is known by its new row"
    )
    assert np.array_equal(sealed.vectors(np.array([0, 1])), _unit(2, seed=5)[::-1])
    kept = {path.name for path in log.path.parent.glob("sealed-*")}
    assert kept == set(after.files), "files of the part before are gone"


@pytest.mark.parametrize("suffix", [".rows", ".index"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_what_is_damaged_is_not_opened_and_is_made_again(
    log: VectorLog, suffix: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    _seal(log)
    (path,) = log.path.parent.glob(f"sealed-*{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if damage == "flipped" else data[:-5])
    if damage == "gone":
        path.unlink()
    with caplog.at_level(logging.WARNING):
        assert open_sealed(log.path.parent, log.path, DIMENSION, IvfIndex) is None
    assert "is damaged; the index is made again" in caplog.text
    _seal(log)
    sealed = _opened(log)
    assert sealed.count == COUNT


def test_one_of_another_dimension_or_none_at_all_is_not_opened(log: VectorLog) -> None:
    assert open_sealed(log.path.parent, log.path, DIMENSION, IvfIndex) is None
    _seal(log)
    assert open_sealed(log.path.parent, log.path, DIMENSION + 1, IvfIndex) is None


def test_the_recall_of_a_sample_is_the_share_of_true_neighbours(log: VectorLog) -> None:
    offsets = live_rows(log.path, DIMENSION, log.position).offsets
    with RowReader(log.path, DIMENSION) as reader:
        sample = Sample(reader, offsets)
    true = np.argsort(-(sample.queries @ _unit(COUNT).T), axis=1)[:, :10]
    assert sample.recall(true) == 1
    assert sample.recall(true[:, :5]) == 0.5
    assert sample.recall(np.full_like(true, -1)) == 0
    assert np.allclose(np.linalg.norm(sample.queries, axis=1), 1, atol=1e-6)


def test_one_of_a_file_that_was_written_again_is_not_extended(log: VectorLog) -> None:
    """At the bytes at which its rows lie the new file has those of other ids."""
    _seal(log)
    ids = list(reversed(range(0, 10 * COUNT, 10)))
    log.replace([adding(ids, _unit(COUNT), DIMENSION)])
    _seal(log)
    sealed = _opened(log)
    assert np.array_equal(sealed.vectors(np.array(ids)), _unit(COUNT))


def test_one_that_is_replaced_while_it_is_opened_is_not_opened(log: VectorLog, monkeypatch: pytest.MonkeyPatch) -> None:
    _seal(log)

    class Replaced(IvfIndex):
        def __init__(self, path: Path, parameters: Mapping[str, Any]) -> None:
            _seal(log)
            super().__init__(path, parameters)

    assert open_sealed(log.path.parent, log.path, DIMENSION, Replaced) is None
    monkeypatch.setattr(vectorstores.log.sealed, "_intact", lambda *_: True)
    (path,) = log.path.parent.glob("sealed-*.index")
    path.unlink()
    with pytest.raises(RuntimeError):
        open_sealed(log.path.parent, log.path, DIMENSION, IvfIndex)
