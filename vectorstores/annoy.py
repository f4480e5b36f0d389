"""Annoy, for bases that are read much and changed little: each 20,000 new vectors cost a new set of trees."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from kb_server.core.errors import MissingExtra
from kb_server.core.ports import Vectors
from vectorstores.log.changes import Ids
from vectorstores.log.descriptions import TREES
from vectorstores.log.rows import RowReader
from vectorstores.log.sealed import IndexKind, Sample
from vectorstores.log.store import LogStore

_WANTED_RECALL = 0.98

_MOST_VISITED = 1 << 20


class AnnoyIndex:
    """An index in a file, mapped into memory. It cannot change: every change makes a new one in the background."""

    KIND: ClassVar[str] = TREES

    def __init__(self, path: Path, parameters: Mapping[str, Any]) -> None:
        self._index = _made(int(parameters["dimension"]))
        self._index.load(str(path))
        self._visited = int(parameters["search_k"])

    @classmethod
    def build(
        cls, reader: RowReader, offsets: Ids, dimension: int, path: Path, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Add every row, grow the trees, choose how many nodes a search visits, and write the file."""
        trees = int(options["trees"])
        index = _made(dimension)
        index.set_seed(1)
        index.on_disk_build(str(path))
        for start, vectors in reader.blocks(offsets):
            for number, vector in enumerate(vectors, start):
                index.add_item(number, vector)
        index.build(trees)
        return {"trees": trees, "dimension": dimension, **_tuned(index, reader, offsets)}

    @classmethod
    def extend(
        cls, old: Path, parameters: Mapping[str, Any], reader: RowReader, offsets: Ids, before: int, path: Path
    ) -> None:
        """Say that it must be built again."""

    def candidates(self, query: Vectors, k: int, among: npt.NDArray[np.bool_] | None, count: int) -> Ids:
        """Return numbers of rows that most likely hold the k best of those marked in `among` (bool [rows]; None: all).

        Annoy has no filters: more are asked for until enough of them are marked.
        """
        total = self._index.get_n_items()
        wanted = min(total, (k + 20) * max(1, -(-total // max(count, 1))))
        while True:
            found = np.array(self._index.get_nns_by_vector(query, wanted, max(self._visited, 10 * wanted)), np.int64)
            marked = found if among is None else found[among[found]]
            if len(marked) >= min(k, count) or wanted >= total:
                return marked if len(marked) >= min(k, count) or among is None else np.flatnonzero(among)
            wanted = min(total, 4 * wanted)


def _tuned(index: Any, reader: RowReader, offsets: Ids) -> dict[str, Any]:  # noqa: ANN401 annoy has no types
    """Return the fewest nodes to visit that reach the wanted recall, and the recall measured."""
    sample = Sample(reader, offsets)
    visited = 1_000
    while True:
        found = [index.get_nns_by_vector(query, 3 * sample.k, visited) for query in sample.queries]
        width = max(map(len, found))
        recall = sample.recall(np.array([rows + [-1] * (width - len(rows)) for rows in found], np.int64))
        if recall >= _WANTED_RECALL or visited >= min(_MOST_VISITED, 50 * len(offsets)):
            return {"search_k": visited, "recall@10": round(recall, 4)}
        visited *= 2


def require_annoy() -> Any:  # noqa: ANN401
    """Return the module; raises MissingExtra with the command that installs it."""
    try:
        import annoy
    except ImportError as error:
        message = f"The store 'annoy' needs a package that cannot be imported: {error}."
        raise MissingExtra(message, "pip install 'kb-server[annoy]'") from error
    return annoy


def _made(dimension: int) -> Any:  # noqa: ANN401
    return require_annoy().AnnoyIndex(dimension, "angular")


class AnnoyStore(LogStore):
    """A LogStore whose sealed part is Annoy's trees."""

    KIND: ClassVar[IndexKind] = AnnoyIndex

    def __init__(self, folder: Path, dimension: int, exact_below: int = 20_000, trees: int = 50) -> None:
        require_annoy()
        super().__init__(folder, dimension, exact_below, trees=trees)
