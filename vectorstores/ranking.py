"""How a vector is scored, the same in every store."""

import numpy as np

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors
from vectorstores.log.changes import Ids


def ranked(ids: Ids, vectors: Vectors, query: Vectors, k: int) -> list[tuple[int, float]]:
    """Return the k best (id, score), best first and the lower id first among equals.

    The score of unit vectors is (1 + cosine) / 2, summed in float64 and clipped to 0..1.
    """
    # A matrix product may sum equal rows in different orders; a sum along each row makes equal vectors tie exactly.
    cosines = (vectors.astype(np.float64) * query.astype(np.float64)).sum(axis=1)
    scores = np.clip((1 + cosines) / 2, 0, 1)
    order = np.lexsort((ids, -scores))[: max(k, 0)]
    return list(zip(ids[order].tolist(), scores[order].tolist(), strict=True))


def checked_query(vector: Vectors, dimension: int) -> Vectors:
    """Return the query as float32 [dimension]; raises StorageError if it is not that or not finite."""
    query = np.asarray(vector, np.float32)
    hint = "Embed the question with the model that the knowledge base was made with."
    if query.shape != (dimension,):
        raise StorageError(f"A query of shape {query.shape} does not fit a store of dimension {dimension}.", hint)
    if not np.isfinite(query).all():
        value = query[~np.isfinite(query)][0]
        raise StorageError(f"The query vector holds {value}, which is not a finite number.", hint)
    return query
