"""Datastores for tests: a model that is only arithmetic, and documents made of short texts."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from kb_server.core.domain import Chunk
from kb_server.core.knn_lm import ModelIdentity
from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore.build import Builder, BuildResult, DatastoreShape
from kb_server.knnlm.datastore.store import Datastore

SHAPE = DatastoreShape(dimension=8, window=16, context=4, fitted_on=20)

_ROWS = 997


@cache
def _tables(size: int) -> Vectors:
    return np.random.default_rng(5).normal(size=(4, _ROWS, size)).astype(np.float32)


class CountingModel:
    """States are random for each id and what stood up to three before; every character is a token of its own."""

    context_window = 64

    def __init__(self, size: int = 8, name: str = "counting") -> None:
        self.read: list[int] = []
        self._identity = ModelIdentity(name, f"w-{name}", "t", "layer", size, "float32")
        self._tables = _tables(size)

    def identity(self) -> ModelIdentity:
        return self._identity

    def lead(self) -> list[int]:
        return [70_000]

    def encode(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))

    def states(self, ids: Sequence[int], last: int) -> Vectors:
        self.read.append(last)
        before = range(len(ids) - last, len(ids))
        rows = [sum(self._tables[n][ids[i - 1 - n] % _ROWS] * 0.5**n for n in range(min(i, 4))) for i in before]
        return np.array(rows, np.float32)

    def score(self, ids: Sequence[int], last: int) -> tuple[Vectors, Vectors, Vectors]:
        return self.states(ids, last), np.full(last, -4.0, np.float32), np.full(last, 3.0, np.float32)


class Shelf:
    """Documents by id, cut into chunks of ten characters unless cut otherwise, and the datastore over them."""

    def __init__(self, folder: Path, model: CountingModel | None = None, shape: DatastoreShape = SHAPE) -> None:
        self.folder = folder / "knn-test"
        self.model = model or CountingModel()
        self.shape = shape
        self.documents: dict[int, tuple[str, list[Chunk]]] = {}

    def put(self, id_: int, text: str, cuts: Sequence[tuple[int, int]] | None = None) -> list[int]:
        """Add a document; returns its chunk ids."""
        ranges = cuts or [(start, min(start + 10, len(text))) for start in range(0, len(text), 10)]
        chunks = [
            Chunk(
                id=100 * id_ + n,
                document_id=1,
                document=f"{id_}.txt",
                text=text[a:b],
                start=a,
                end=b,
                page=None,
                heading_path=(),
            )
            for n, (a, b) in enumerate(ranges)
        ]
        self.documents[id_] = (text, chunks)
        return [chunk.id for chunk in chunks]

    def build(self) -> BuildResult:
        return Builder(self.folder, self.model, self.shape, self.documents.__getitem__).run(list(self.documents))

    def open(self) -> Datastore:
        return Datastore.open(self.folder, self.model.identity())

    @property
    def chunk_ids(self) -> list[int]:
        """Chunks of all documents that are there."""
        return [chunk.id for _, chunks in self.documents.values() for chunk in chunks]

    def chunks(self, ids: Sequence[int]) -> Mapping[int, Chunk]:
        """Find chunks as the catalog does."""
        known = {chunk.id: chunk for _, chunks in self.documents.values() for chunk in chunks}
        return {id_: known[id_] for id_ in ids if id_ in known}
