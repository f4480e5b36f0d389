"""The default store: exact search, and FAISS's inverted lists with 8-bit codes where there are many vectors."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from kb_server.core.ports import Vectors
from vectorstores.faiss.module import imported_faiss, one_thread
from vectorstores.log.changes import Ids
from vectorstores.log.descriptions import INVERTED_LISTS
from vectorstores.log.rows import GONE, RowReader
from vectorstores.log.sealed import IndexKind, Sample
from vectorstores.log.store import LogStore


def has_gpu(faiss: ModuleType) -> bool:
    """Tell whether this build of FAISS is for GPUs and finds one."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def filled_on_gpu(
    faiss: ModuleType,
    index: Any,  # noqa: ANN401 faiss has no types
    sample: Vectors,
    blocks: Iterable[tuple[int, Vectors]],
) -> Any:  # noqa: ANN401
    """Train an empty index on a sample and add the rows of all blocks, numbered from each block's start.

    The index comes back as one for the CPU. Raises RuntimeError where the GPU cannot, as when its memory is full.
    """
    resources = faiss.StandardGpuResources()
    trainer = faiss.index_cpu_to_gpu(resources, 0, faiss.IndexFlatIP(index.d))  # named, since FAISS does not keep it
    index.clustering_index = trainer
    index.train(sample)
    on_gpu = faiss.index_cpu_to_gpu(resources, 0, index)
    add(on_gpu, blocks)
    return faiss.index_gpu_to_cpu(on_gpu)


def add(index: Any, blocks: Iterable[tuple[int, Vectors]]) -> None:  # noqa: ANN401 faiss has no types
    """Add the rows of all blocks, numbered from each block's start."""
    for start, vectors in blocks:
        index.add_with_ids(vectors, np.arange(start, start + len(vectors), dtype=np.int64))


logger = logging.getLogger(__name__)

_TRAINED_ON = 50  # vectors a list; FAISS asks for 39

_ROUNDS = 8  # of k-means

_WANTED_RECALL = 0.98  # measured when it is built; what is asked for is 0.95

_SURPLUS = 2  # candidates for each wanted hit, since codes of 8 bits mix up near neighbours


class IvfIndex:
    """An index in a file, mapped into memory. Rows are numbered as they were added; threads may search at once."""

    KIND: ClassVar[str] = INVERTED_LISTS

    def __init__(self, path: Path, parameters: Mapping[str, Any]) -> None:
        self._faiss: Any = imported_faiss()
        self._index: Any = self._faiss.read_index(str(path), self._faiss.IO_FLAG_MMAP)
        self._nprobe = int(parameters["nprobe"])

    @classmethod
    def build(
        cls,
        reader: RowReader,
        offsets: Ids,
        dimension: int,
        path: Path,
        options: Mapping[str, Any],  # noqa: ARG003 there is nothing to choose
    ) -> dict[str, Any]:
        """Train on a sample, add every row, choose how many lists a search visits, and write the file."""
        faiss: Any = imported_faiss()
        lists = 2 ** round(math.log2(2 * math.sqrt(len(offsets))))
        chosen = np.random.default_rng(0).choice(len(offsets), min(len(offsets), _TRAINED_ON * lists), replace=False)
        index = _filled(faiss, dimension, lists, reader.read(offsets[np.sort(chosen)]), partial(reader.blocks, offsets))
        faiss.write_index(index, str(path))
        return {"lists": lists, "trained_on": len(offsets), **_tuned(index, reader, offsets)}

    @classmethod
    def extend(
        cls, old: Path, parameters: Mapping[str, Any], reader: RowReader, offsets: Ids, before: int, path: Path
    ) -> dict[str, Any] | None:
        """Write the old index with rows from number `before` on added and gone ones taken out; None: build it again."""
        if len(offsets) > 2 * int(parameters["trained_on"]) or (offsets == GONE).sum() > len(offsets) // 2:
            return None
        faiss: Any = imported_faiss()
        index = faiss.read_index(str(old))
        index.remove_ids(faiss.IDSelectorBatch(np.flatnonzero(offsets[:before] == GONE)))
        add(index, ((before + start, vectors) for start, vectors in reader.blocks(offsets[before:])))
        faiss.write_index(index, str(path))
        return {**parameters, **_tuned(index, reader, offsets)}

    def candidates(self, query: Vectors, k: int, among: npt.NDArray[np.bool_] | None, count: int) -> Ids:
        """Return numbers of rows that most likely hold the k best of those marked in `among` (bool [rows]; None: all).

        `count` says how many are marked: the fewer, the more lists are visited, and all before too few are returned.
        """
        selector = None if among is None else self._faiss.IDSelectorBitmap(np.packbits(among, bitorder="little"))
        wanted = min(_SURPLUS * k + 20, count)
        visited = min(self._index.nlist, math.ceil(self._nprobe * self._index.ntotal / max(count, 1)))
        found = self._found(query, wanted, visited, selector)
        if len(found) < min(k, count):
            found = self._found(query, wanted, self._index.nlist, selector)
        return found

    def _found(self, query: Vectors, wanted: int, visited: int, selector: Any) -> Ids:  # noqa: ANN401 faiss has no types
        options = self._faiss.SearchParametersIVF(nprobe=visited, sel=selector)
        one_thread(self._faiss)
        _, rows = self._index.search(query[None], wanted, params=options)
        found: Ids = rows[0][rows[0] >= 0]
        return found


def _filled(
    faiss: Any,  # noqa: ANN401
    dimension: int,
    lists: int,
    sample: Vectors,
    blocks: Callable[[], Iterable[tuple[int, Vectors]]],
) -> Any:  # noqa: ANN401
    """Return an index trained on a sample that holds the rows of all blocks; made on a GPU where there is one."""
    if has_gpu(faiss):
        try:
            return filled_on_gpu(faiss, _empty(faiss, dimension, lists), sample, blocks())
        except RuntimeError as error:
            logger.warning("The GPU could not make the index, so the CPU does: %s", error)
    index = _empty(faiss, dimension, lists)
    index.train(sample)
    add(index, blocks())
    return index


def _empty(faiss: Any, dimension: int, lists: int) -> Any:  # noqa: ANN401
    codes, inner_product = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(quantizer, dimension, lists, codes, inner_product)
    index.cp.niter = _ROUNDS
    index.cp.min_points_per_centroid = 1
    return index


def _tuned(index: Any, reader: RowReader, offsets: Ids) -> dict[str, Any]:  # noqa: ANN401
    """Return the fewest lists that reach the wanted recall, and the recall measured."""
    faiss: Any = imported_faiss()
    sample = Sample(reader, offsets)
    visited = 1
    while True:
        options = faiss.SearchParametersIVF(nprobe=visited)
        _, found = index.search(sample.queries, _SURPLUS * sample.k + 20, params=options)
        recall = sample.recall(found)
        if recall >= _WANTED_RECALL or visited >= index.nlist:
            return {"nprobe": visited, "recall@10": round(recall, 4)}
        visited = min(2 * visited, index.nlist)


class FaissStore(LogStore):
    """A LogStore whose sealed part is an IVF index."""

    KIND: ClassVar[IndexKind] = IvfIndex

    def __init__(self, folder: Path, dimension: int, exact_below: int = 20_000) -> None:
        imported_faiss()  # a package that is missing is told now, not when the first index is due
        super().__init__(folder, dimension, exact_below)
