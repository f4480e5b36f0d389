"""Mixing dense and lexical scores, by a weight that the knowledge base's own text decides.

Both scores are absolute (what a cosine has above unrelated texts; a share of the
question's term weight), so their sum needs no rescaling for each
question: a convex combination, which Bruch et al. (2023, "An Analysis of Fusion Functions for Hybrid Retrieval") found
better than fusing ranks. See docs/decisions/fusion.md for the measurements here.
"""

from collections.abc import Collection, Mapping

import numpy as np

from kb_server.core.domain import Fusion
from kb_server.core.ports import Vectors, VectorStore
from kb_server.search.cosine_floor import above
from kb_server.text.terms import script

UNFITTED_WEIGHT = 0.5


def dense_weight(fusion: Fusion | None, question: str) -> float:
    """Return the weight of the dense score for a question, by its script."""
    return fusion.weights.get(script(question), UNFITTED_WEIGHT) if fusion else UNFITTED_WEIGHT


def fuse(dense: Mapping[int, float], lexical: Mapping[int, float], weight: float) -> list[tuple[int, float]]:
    """Return (id, weight * dense + (1 - weight) * lexical) for every id of either, best first, ties by id.

    An id that a side did not return counts 0 there.
    """
    mixed = {id_: weight * dense.get(id_, 0.0) + (1 - weight) * lexical.get(id_, 0.0) for id_ in {*dense, *lexical}}
    return sorted(mixed.items(), key=lambda pair: (-pair[1], pair[0]))


ELSEWHERE = 0.5  # what a passage's score keeps where a question names a code that stands only in others


def named_first(fused: list[tuple[int, float]], named: Collection[int]) -> list[tuple[int, float]]:
    """Return the ranking with the score of every id that is not among the `named` halved."""
    judged = [(id_, score if id_ in named else ELSEWHERE * score) for id_, score in fused]
    return sorted(judged, key=lambda pair: (-pair[1], pair[0]))


def dense_scores(
    store: VectorStore,
    vector: Vectors,
    k: int,
    also: Collection[int],
    allowed: Collection[int] | None = None,
    *,
    floor: float = 0.0,
) -> dict[int, float]:
    """Return the cosine above the floor of the k nearest, and of the ids in `also` that are not among them."""
    nearest = dict(store.search(vector, k, allowed))
    missing = [id_ for id_ in also if id_ not in nearest]
    nearest.update(store.search(vector, len(missing), missing) if missing else [])
    cosines = 2.0 * np.fromiter(nearest.values(), np.float64, len(nearest)) - 1.0  # a store gives (1 + cosine) / 2
    return dict(zip(nearest, above(floor, cosines).tolist(), strict=True))
