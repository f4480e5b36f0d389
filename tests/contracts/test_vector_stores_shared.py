"""A vector store used by several threads and processes at once."""

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kb_server.core.ports import VectorStore
from tests.contracts.stores import BACKENDS, DIMENSION, DURABLE, SHARED, Open, axis, unit


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    opened = BACKENDS[request.param](tmp_path / "store", DIMENSION)
    yield opened
    opened.close()


def test_threads_search_while_another_adds(store: VectorStore) -> None:
    """An id added before a search began is found by it, with its own vector."""
    vectors, done, failures = unit(400), threading.Event(), list[str]()
    store.add([0], vectors[:1])

    def search() -> None:
        while not done.is_set():
            number, score = store.search(vectors[0], 3)[0]
            if number != 0 or abs(score - 1) > 1e-5:
                failures.append(f"{number} {score}")

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    for start in range(1, 400, 19):
        ids = range(start, min(start + 19, 400))
        store.add(ids, vectors[start : start + 19])
        store.delete([start])
        store.flush()
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(store) == 400 - len(range(1, 400, 19))


def _search_elsewhere(open_store: Open, folder: Path, answers: "multiprocessing.Queue[object]") -> None:
    answers.put(open_store(folder, DIMENSION).search(axis(0), 5))


@pytest.mark.parametrize("backend", sorted(SHARED))
def test_another_process_sees_what_was_flushed(backend: str, tmp_path: Path) -> None:
    store = DURABLE[backend](tmp_path, DIMENSION)
    store.add([1, 2], np.stack([axis(0), axis(1)]))
    store.flush()
    store.add([3], axis(0)[None])
    spawn = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[object] = spawn.Queue()
    process = spawn.Process(target=_search_elsewhere, args=(DURABLE[backend], tmp_path, answers))
    process.start()
    assert answers.get(timeout=60) == [(1, 1.0), (2, 0.5)]
    process.join()
    answers.close()
