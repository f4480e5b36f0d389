"""An index made on a GPU. Where FAISS has none, clones on the CPU stand in for what would lie on it."""

import logging
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from vectorstores.faiss.store import FaissStore, has_gpu
from vectorstores.memory import MemoryStore

COUNT, DIMENSION = 3_000, 16


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let FAISS believe in a GPU, and return what was moved to it."""
    indexes: list[Any] = []

    def move(_resources: object, _device: int, index: Any) -> Any:  # noqa: ANN401
        indexes.append(index)
        return faiss.clone_index(index)

    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", move, raising=False)
    monkeypatch.setattr(faiss, "index_gpu_to_cpu", faiss.clone_index, raising=False)
    return indexes


def check_sealed_and_found(folder: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((COUNT, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = MemoryStore(DIMENSION)
    expected.add(range(COUNT), rows)
    store = FaissStore(folder, DIMENSION, exact_below=500)
    store.add(range(COUNT), rows)
    store.flush()
    store.close()
    reopened = FaissStore(folder, DIMENSION, exact_below=500)
    assert list(folder.glob("sealed-*.index"))
    found = [{id_ for id_, _ in reopened.search(query, 10)} for query in rows[:50]]
    true = [{id_ for id_, _ in expected.search(query, 10)} for query in rows[:50]]
    assert sum(len(a & b) for a, b in zip(found, true, strict=True)) >= 0.95 * 500
    reopened.close()


def test_the_gpu_trains_and_fills_the_index(moved: list[Any], tmp_path: Path) -> None:
    check_sealed_and_found(tmp_path / "store")
    assert [type(index).__name__ for index in moved] == ["IndexFlatIP", "IndexIVFScalarQuantizer"]


def test_a_gpu_that_cannot_leaves_it_to_the_cpu_and_says_so(
    moved: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(faiss, "index_cpu_to_gpu", full)
    with caplog.at_level(logging.WARNING):
        check_sealed_and_found(tmp_path / "store")
    assert not moved
    assert "out of memory" in caplog.text


@pytest.mark.skipif(not has_gpu(faiss), reason="needs a GPU, and faiss-gpu-cu12 in place of faiss-cpu")
def test_on_a_gpu(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check_sealed_and_found(tmp_path / "store")
    assert "GPU" not in caplog.text
