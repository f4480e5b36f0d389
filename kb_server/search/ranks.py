"""Where one chunk stands among all at each stage of a search: how many come before it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kb_server.core.ports import LexicalIndex, Vectors, VectorStore
from kb_server.search.cosine_floor import above

Scores = npt.NDArray[np.float64]
Found = list[tuple[int, float]]

_AT_ONCE = 5_000  # ids whose scores an index is asked for in one call


@dataclass(frozen=True, slots=True)
class StageRank:
    """Where a chunk stands at a stage: its rank, from 1, and its score; both None if the stage did not find it."""

    stage: str
    rank: int | None
    score: float | None


def all_scores(
    ids: Sequence[int],
    question: str,
    vector: Vectors | None,
    lexical: LexicalIndex,
    store: VectorStore,
    weight: float,
    floor: float,
) -> dict[str, Scores]:
    """Return what each stage that is asked gives these ids (ascending): float64 [ids], NaN where it does not find one.

    Scores are those of `fuse`. With the weight 1 the lexical index is not asked, without a vector the store is not.
    """
    stages: dict[str, Scores] = {}
    if weight < 1:
        stages["lexical"] = _in_parts(ids, lambda part: lexical.search(question, len(part), part))
    if vector is not None:
        scores = _in_parts(ids, lambda part: store.search(vector, len(part), part))
        stages["dense"] = above(floor, 2.0 * scores - 1.0)
    nothing = np.full(len(ids), np.nan)
    dense, words = stages.get("dense", nothing), stages.get("lexical", nothing)
    fused = weight * np.nan_to_num(dense) + (1 - weight) * np.nan_to_num(words)
    fused[np.isnan(dense) & np.isnan(words)] = np.nan
    return {**stages, "fusion": fused}


def rank_of(stage: str, chunk_id: int, ids: Sequence[int], scores: Scores) -> StageRank:
    """Return the chunk's place among these ids (ascending): best first, ties by id."""
    place = int(np.searchsorted(np.asarray(ids), chunk_id))
    if place == len(ids) or ids[place] != chunk_id or np.isnan(scores[place]):
        return StageRank(stage, None, None)
    score = scores[place]
    before = np.count_nonzero(scores > score) + np.count_nonzero(scores[:place] == score)
    return StageRank(stage, int(before) + 1, float(score))


def _in_parts(ids: Sequence[int], search: Callable[[Sequence[int]], Found]) -> Scores:
    scores = np.full(len(ids), np.nan)
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        found = search(part)
        if found:
            numbers, values = zip(*found, strict=True)
            scores[start + np.searchsorted(np.asarray(part), numbers)] = values
    return scores
