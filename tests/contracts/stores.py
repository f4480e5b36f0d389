"""The vector stores under test, and what they are compared with; a backend is one entry in BACKENDS."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from kb_server.ports import Vectors, VectorStore
from vectorstores.faiss import FaissStore
from vectorstores.memory import MemoryStore
from vectorstores.milvus import MilvusStore

Open = Callable[[Path, int], VectorStore]

DIMENSION = 8


def open_milvus(folder: Path, dimension: int) -> MilvusStore:
    return MilvusStore(folder, dimension, timeout=5)


DURABLE: dict[str, Open] = {"faiss": FaissStore, "milvus": open_milvus}
BACKENDS: dict[str, Open] = {"memory": lambda _, dimension: MemoryStore(dimension), **DURABLE}
EXACT_TIES = {"memory", "faiss"}  # the rest return any of equal vectors at the end of a list
BUFFERED = {"faiss"}  # nothing is written before `flush`; Milvus is sent everything at once
SHARED = {"faiss"}  # several processes may open one folder; Milvus Lite's only one


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
