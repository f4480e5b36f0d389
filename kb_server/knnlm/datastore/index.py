"""A FAISS index over all keys of a large datastore; it names candidates, whose distances are computed exactly.

Inverted lists with one byte a number, or product-quantized codes; rows that were added since, and rows that are out of
play, are no concern of the index: the first are compared one by one, the second are left out of the search.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore.store import Active, Datastore, rows_mask
from kb_server.knnlm.interpolation import Distances, Ints
from kb_server.knnlm.search import ExactSearch, ranked
from kb_server.runtime.processors import cores
from vectorstores.faiss.module import imported_faiss

FILE_NAME = "keys.faiss"
_TRAINED_ON = 40  # keys a list; FAISS asks for 39
_BLOCK = 65_536
_SURPLUS = 2  # candidates for each wanted neighbour
WORTH_IT = 50_000  # active keys beyond which a matrix product a token takes longer than an index


def build_index(store: Datastore, codes: str = "SQ8", lists: int | None = None, visited: int = 24) -> dict[str, Any]:
    """Write an index over every row of the store; returns what its manifest says of it.

    `codes` is FAISS's name of what a list holds: Flat, SQ8, PQ64. A search looks into `visited` lists.
    """
    faiss: Any = imported_faiss()
    rows = len(store)
    lists = lists or 2 ** round(np.log2(2 * np.sqrt(max(rows, 1))))
    index = faiss.index_factory(store.manifest.dimension, f"IVF{lists},{codes}", faiss.METRIC_L2)
    index.cp.niter, index.cp.min_points_per_centroid = 8, 1
    sample = np.random.default_rng(0).choice(rows, min(rows, _TRAINED_ON * lists), replace=False)
    index.train(store.keys(np.sort(sample)))
    for start in range(0, rows, _BLOCK):
        index.add(store.keys(np.arange(start, min(start + _BLOCK, rows))))
    faiss.write_index(index, str(store.folder / FILE_NAME))
    described = {"rows": rows, "lists": lists, "codes": codes, "visited": min(visited, lists)}
    replace(store.manifest, index=described).write(store.folder)
    return described


class IndexSearch:
    """Asks the index for candidates and computes their distances from the stored keys."""

    def __init__(self, store: Datastore, active: Active, visited: int | None = None) -> None:
        faiss: Any = imported_faiss()
        described = _described(store)
        self.active = active
        self._store = store
        self._visited = visited or int(described["visited"])
        self._index: Any = faiss.read_index(str(store.folder / FILE_NAME))
        if self._index.ntotal != described["rows"]:
            raise StorageError(
                f"The index '{store.folder / FILE_NAME}' has {self._index.ntotal} keys, not {described['rows']}.",
                "Run: kb knn build NAME",
            )
        indexed = active.rows < described["rows"]
        self._selector: Any = None
        if indexed.sum() < described["rows"]:
            packed = np.packbits(rows_mask(described["rows"], active.rows[indexed]), bitorder="little")
            self._selector = faiss.IDSelectorBitmap(packed)
        self._rest = ExactSearch(store, Active(active.rows[~indexed], active.owners[~indexed]))

    def nearest(self, queries: Vectors, k: int) -> tuple[Distances, Ints]:
        """Return squared distances and rows, nearest first; -1 where fewer than k were found."""
        faiss: Any = imported_faiss()
        faiss.omp_set_num_threads(1 if len(queries) == 1 else cores())  # a team for one state mostly waits for itself
        options = faiss.SearchParametersIVF(nprobe=self._visited, sel=self._selector)
        _, candidates = self._index.search(queries, _SURPLUS * k, params=options)
        indexed = [self._ranked(query, found[found >= 0], k) for query, found in zip(queries, candidates, strict=True)]
        distances, rows = (np.stack(part) for part in zip(*indexed, strict=True))
        more_distances, more_rows = self._rest.nearest(queries, k)
        return _merged(np.hstack([distances, more_distances]), np.hstack([rows, more_rows]), k)

    def _ranked(self, query: Vectors, found: Ints, k: int) -> tuple[Distances, Ints]:
        rows = np.sort(found)
        distances, places = ranked(query[None], self._store.keys(rows), rows, np.arange(len(rows))[None], k)
        missing = (0, k - places.shape[1])
        padded = np.pad(distances[0], missing, constant_values=np.inf)
        return padded, np.pad(places[0], missing, constant_values=-1)


def has_index(store: Datastore) -> bool:
    """Whether an index was built that still covers rows of the store."""
    return store.manifest.index is not None and (store.folder / FILE_NAME).is_file()


def search_of(store: Datastore, active: Active) -> "ExactSearch | IndexSearch":
    """Return the way to search these rows: through the index where there is one and many rows are in play."""
    if len(active.rows) > WORTH_IT and has_index(store):
        return IndexSearch(store, active)
    return ExactSearch(store, active)


def _described(store: Datastore) -> Mapping[str, Any]:
    if store.manifest.index is None:
        raise StorageError("The datastore has no index.", "Run: kb knn build NAME")
    return store.manifest.index


def _merged(distances: Distances, rows: Ints, k: int) -> tuple[Distances, Ints]:
    order = np.lexsort((rows, distances), axis=1)[:, :k]
    return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)
