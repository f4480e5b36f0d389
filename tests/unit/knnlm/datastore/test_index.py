"""The index of a large datastore, beside the exact search: invariant 18 of kNN-LM."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore import index as indexing
from kb_server.knnlm.datastore.build import DatastoreShape
from kb_server.knnlm.datastore.index import IndexSearch, build_index, has_index, search_of
from kb_server.knnlm.datastore.store import Datastore
from kb_server.knnlm.knn_lm import neighbours_of
from kb_server.knnlm.search import ExactSearch
from tests.unit.knnlm.store import Shelf
from vectorstores.faiss.module import imported_faiss

pytest.importorskip("faiss", reason="needs the extra `faiss`")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path, shape=DatastoreShape(dimension=8, window=48, context=8, fitted_on=20))
    random = np.random.default_rng(3)
    for number in range(1, 6):
        made.put(number, "".join(map(chr, random.integers(97, 123, 300))))
    made.build()
    return made


@pytest.fixture
def store(shelf: Shelf) -> Datastore:
    return shelf.open()


@pytest.fixture
def queries() -> Vectors:
    return np.random.default_rng(0).normal(0, 0.4, (40, 8)).astype(np.float32)


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(exact, found, strict=True)]))


def test_every_list_with_flat_codes_is_the_exact_search(shelf: Shelf, store: Datastore, queries: Vectors) -> None:
    build_index(store, "Flat", lists=16)
    store = shelf.open()
    active = store.active(shelf.chunk_ids)
    exact = ExactSearch(store, active).nearest(queries, 20)
    found = IndexSearch(store, active, visited=16).nearest(queries, 20)
    assert np.array_equal(found[0], exact[0])
    assert np.array_equal(found[1], exact[1])


@pytest.mark.parametrize("codes", ["SQ8", "SQ4"])
def test_exact_distances_never_lower_the_recall(shelf: Shelf, store: Datastore, queries: Vectors, codes: str) -> None:
    build_index(store, codes, lists=16)
    store = shelf.open()
    active = store.active(shelf.chunk_ids)
    exact = ExactSearch(store, active).nearest(queries, 20)[1]
    search = IndexSearch(store, active, visited=8)
    plain = search._index.search(queries, 20, params=imported_faiss().SearchParametersIVF(nprobe=8))[1]
    ranked = search.nearest(queries, 20)[1]
    assert recall(ranked, exact) >= recall(plain, exact)
    assert recall(ranked, exact) > 0.6


def test_few_lists_give_fewer_and_never_a_wrong_row(shelf: Shelf, store: Datastore, queries: Vectors) -> None:
    build_index(store, "Flat", lists=64)
    store = shelf.open()
    search = IndexSearch(store, store.active(shelf.chunk_ids), visited=1)
    distances, rows = search.nearest(queries, 400)
    assert (rows == -1).any()
    assert np.isinf(distances[rows == -1]).all()
    found = neighbours_of(store, search, queries[0], 400)
    assert (found.rows >= 0).all()
    assert found.near == len(found.rows) == (rows[0] >= 0).sum()


def test_deleted_rows_are_left_out_and_added_ones_found(shelf: Shelf, store: Datastore, queries: Vectors) -> None:
    build_index(store, "Flat", lists=16)
    del shelf.documents[2]
    shelf.put(8, "new words that the index has not seen")
    shelf.build()
    store = shelf.open()
    assert has_index(store)
    active = store.active(shelf.chunk_ids)
    exact = ExactSearch(store, active).nearest(queries, 30)
    found = IndexSearch(store, active, visited=16).nearest(queries, 30)
    assert np.array_equal(found[1], exact[1])
    assert not any(store.place(row)[0] == 2 for row in found[1].ravel().tolist())


def test_few_active_rows_are_compared_one_by_one(
    shelf: Shelf, store: Datastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = store.active(shelf.chunk_ids)
    assert isinstance(search_of(store, active), ExactSearch)
    monkeypatch.setattr(indexing, "WORTH_IT", 100)
    assert isinstance(search_of(store, active), ExactSearch)
    build_index(store, "SQ8", lists=16)
    store = shelf.open()
    assert isinstance(search_of(store, active), IndexSearch)
    assert isinstance(search_of(store, store.active(shelf.chunk_ids[:2])), ExactSearch)


def test_an_index_of_other_keys_is_refused(shelf: Shelf, store: Datastore) -> None:
    described = build_index(store, "Flat", lists=4)
    store = shelf.open()
    store.manifest = replace(store.manifest, index={**described, "rows": 7})
    with pytest.raises(StorageError, match="1500 keys, not 7"):
        IndexSearch(store, store.active(shelf.chunk_ids))
