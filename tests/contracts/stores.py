"""The vector stores under test, and what they are compared with; a backend is one entry in BACKENDS."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from kb_server.core.ports import Vectors, VectorStore
from vectorstores.annoy import AnnoyStore
from vectorstores.faiss.store import FaissStore
from vectorstores.memory import MemoryStore
from vectorstores.milvus.store import MilvusStore

Open = Callable[[Path, int], VectorStore]

DIMENSION = 8


def open_milvus(folder: Path, dimension: int) -> MilvusStore:
    return MilvusStore(folder, dimension, timeout=5)


def open_sealing_faiss(folder: Path, dimension: int) -> FaissStore:
    return FaissStore(folder, dimension, exact_below=100)


def open_sealing_annoy(folder: Path, dimension: int) -> AnnoyStore:
    return AnnoyStore(folder, dimension, exact_below=100, trees=10)


DURABLE: dict[str, Open] = {
    "faiss": FaissStore,
    "faiss-ivf": open_sealing_faiss,
    "annoy": open_sealing_annoy,
    "milvus": open_milvus,
}
BACKENDS: dict[str, Open] = {"memory": lambda _, dimension: MemoryStore(dimension), **DURABLE}
EXACT_TIES = {"memory", "faiss"}  # the rest return any of equal vectors at the end of a list
BUFFERED = {"faiss", "faiss-ivf", "annoy"}  # nothing is written before `flush`; Milvus is sent everything at once
APPROXIMATE = {"faiss-ivf", "annoy"}  # once there are more than 100 vectors
SHARED = {"faiss", "faiss-ivf", "annoy"}  # several processes may open one folder; Milvus Lite's only one


def unit(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def axis(number: int, sign: float = 1.0) -> Vectors:
    row = np.zeros(DIMENSION, np.float32)
    row[number] = sign
    return row


def assert_same(found: Sequence[tuple[int, float]], expected: Sequence[tuple[int, float]]) -> None:
    assert [number for number, _ in found] == [number for number, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


def oracle(ids: Sequence[int], vectors: Vectors) -> MemoryStore:
    made = MemoryStore(vectors.shape[1])
    made.add(ids, vectors)
    return made
