"""The default store: exact search by FAISS, and inverted lists with 8-bit codes where there are many vectors."""

from typing import ClassVar

from vectorstores.ivf import IvfIndex
from vectorstores.log_store import LogStore
from vectorstores.sealed import Kind


class FaissStore(LogStore):
    """A LogStore whose sealed part is an IVF index."""

    KIND: ClassVar[Kind] = IvfIndex
