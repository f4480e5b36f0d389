"""How many of the true nearest neighbours an index finds, measured on the vectors it holds."""

import numpy as np

from kb_server.ports import Vectors
from vectorstores.changes import Ids
from vectorstores.rows import GONE, RowReader

_QUERIES = 100
_NOISE = 0.75  # a question lies about as far from its passage (a cosine of 0.8) as a vector from itself with this added


class Sample:
    """Queries float32 [n, dimension] near stored vectors, with their k true neighbours by brute force."""

    k = 10

    def __init__(self, reader: RowReader, offsets: Ids) -> None:
        chance = np.random.default_rng(1)
        live = np.flatnonzero(offsets != GONE)
        chosen = np.sort(chance.choice(live, min(_QUERIES, len(live)), replace=False))
        vectors = reader.read(offsets[chosen])
        noise = chance.standard_normal(vectors.shape).astype(np.float32)
        self.queries: Vectors = vectors + _NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        self.queries /= np.maximum(np.linalg.norm(self.queries, axis=1, keepdims=True), 1e-12)
        self._true = live[self._nearest(reader, offsets[live])]

    def recall(self, found: Ids) -> float:
        """Return the share of true neighbours among the rows found, int64 [n, any]."""
        hits = [len(np.intersect1d(true, rows)) for true, rows in zip(self._true, found, strict=True)]
        return float(np.sum(hits) / self._true.size)

    def _nearest(self, reader: RowReader, offsets: Ids) -> Ids:
        k = min(self.k, len(offsets))
        scores = np.full((len(self.queries), k), -np.inf, np.float32)
        rows = np.full((len(self.queries), k), -1, np.int64)
        for start, vectors in reader.blocks(offsets):
            numbers = np.broadcast_to(np.arange(start, start + len(vectors)), (len(self.queries), len(vectors)))
            all_scores = np.hstack([scores, self.queries @ vectors.T])
            all_rows = np.hstack([rows, numbers])
            best = np.argpartition(-all_scores, k - 1, axis=1)[:, :k]
            scores, rows = np.take_along_axis(all_scores, best, 1), np.take_along_axis(all_rows, best, 1)
        return rows
