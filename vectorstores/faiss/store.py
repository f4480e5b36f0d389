"""The default store: exact search, and FAISS's inverted lists with 8-bit codes where there are many vectors."""

from pathlib import Path
from typing import ClassVar

from vectorstores.faiss.ivf import IvfIndex
from vectorstores.faiss.module import imported_faiss
from vectorstores.log.sealed import IndexKind
from vectorstores.log.store import LogStore


class FaissStore(LogStore):
    """A LogStore whose sealed part is an IVF index."""

    KIND: ClassVar[IndexKind] = IvfIndex

    def __init__(self, folder: Path, dimension: int, exact_below: int = 20_000) -> None:
        imported_faiss()  # a package that is missing is told now, not when the first index is due
        super().__init__(folder, dimension, exact_below)
