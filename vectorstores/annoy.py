"""Annoy, for bases that are read much and changed little: each 20,000 new vectors cost a new set of trees."""

from pathlib import Path
from typing import ClassVar

from vectorstores.annoy_index import AnnoyIndex, require_annoy
from vectorstores.log_store import LogStore
from vectorstores.sealed import Kind


class AnnoyStore(LogStore):
    """A LogStore whose sealed part is Annoy's trees; what is fresh is compared by FAISS."""

    KIND: ClassVar[Kind] = AnnoyIndex

    def __init__(self, folder: Path, dimension: int, exact_below: int = 20_000, trees: int = 50) -> None:
        require_annoy()
        super().__init__(folder, dimension, exact_below, trees=trees)
