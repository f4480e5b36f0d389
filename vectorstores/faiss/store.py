"""The default store: exact search by FAISS, and inverted lists with 8-bit codes where there are many vectors."""

from typing import ClassVar

from vectorstores.faiss.ivf import IvfIndex
from vectorstores.log.sealed import IndexKind
from vectorstores.log.store import LogStore


class FaissStore(LogStore):
    """A LogStore whose sealed part is an IVF index."""

    KIND: ClassVar[IndexKind] = IvfIndex
