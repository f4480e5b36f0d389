"""Our vector stores in the suites of vector stores."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from kb_server.testing import (
    ApproximateStoreSuite,
    ConcurrentStoreSuite,
    DurableStoreSuite,
    ExactStoreSuite,
    OrderedTiesSuite,
    SharedStoreSuite,
)
from kb_server.testing.vector_stores import OpenStore
from vectorstores.annoy import AnnoyStore
from vectorstores.faiss.store import FaissStore
from vectorstores.memory import MemoryStore
from vectorstores.milvus.store import MilvusStore


def open_memory(_: Path, dimension: int) -> MemoryStore:
    return MemoryStore(dimension)


def open_sealing_faiss(folder: Path, dimension: int) -> FaissStore:
    return FaissStore(folder, dimension, exact_below=100)


def open_sealing_annoy(folder: Path, dimension: int) -> AnnoyStore:
    return AnnoyStore(folder, dimension, exact_below=100, trees=10)


def open_milvus(folder: Path, dimension: int) -> MilvusStore:
    return MilvusStore(folder, dimension, timeout=5)


class TestMemory(OrderedTiesSuite, ConcurrentStoreSuite):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return open_memory


class TestFaiss(OrderedTiesSuite, ExactStoreSuite, DurableStoreSuite, SharedStoreSuite, ConcurrentStoreSuite):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return FaissStore


class TestSealingFaiss(ApproximateStoreSuite, DurableStoreSuite, SharedStoreSuite, ConcurrentStoreSuite):
    examples = 20

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return open_sealing_faiss


@pytest.mark.skipif(
    find_spec("annoy") is None,
    reason="annoy is not installed (it comes as source and needs a C++ compiler): pip install 'kb-server[annoy]'",
)
class TestSealingAnnoy(ApproximateStoreSuite, DurableStoreSuite, SharedStoreSuite, ConcurrentStoreSuite):
    examples = 20

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return open_sealing_annoy


class TestMilvus(ExactStoreSuite, DurableStoreSuite, ConcurrentStoreSuite):
    """Milvus Lite, which is sent everything at once and whose folder one process may open."""

    examples = 4
    calls = 40

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return open_milvus
