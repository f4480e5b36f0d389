"""Fitting the fusion weight to a knowledge base without labels.

A sentence taken out of a chunk is a question whose answer is known: the rest of that chunk should be found, among all
other chunks of the base. The weight with the best mean reciprocal rank over a sample of such questions is kept, for
each script apart, so that an embedder that does not know a language cannot drag the words down
(docs/decisions/fusion.md).
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kb_server.core.domain import Chunk, Fusion
from kb_server.core.ports import ChunkSource, Embedder, LexicalIndex, Vectors, VectorStore
from kb_server.search.cosine_floor import above, cosine_floor
from kb_server.search.fusion import UNFITTED_WEIGHT, dense_scores
from kb_server.text.sentences import sentences
from kb_server.text.terms import BM25_B, BM25_K1, script, terms

_QUESTIONS = 150  # for each script; more moves the weight by less than its own noise
_FEWEST = 10  # with fewer questions than this a weight would be a guess
_RIVALS = 30
_FOREIGN = 0.02  # share of the chunks in a script up to which the base is not written in it

# Own sentences are nearer to their passages than people's questions are, so words always keep a third; 1 is for
# a script that the base is not written in.
_GRID = np.linspace(0.0, 0.65, 14)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A question made from a chunk: the sentence taken out, and what is left."""

    chunk: Chunk
    sentence: str
    rest: str


class FusionFitter:
    """Fits a Fusion for one knowledge base."""

    def __init__(self, embedder: Embedder, store: VectorStore, lexical: LexicalIndex, source: ChunkSource) -> None:
        self._embedder = embedder
        self._store = store
        self._lexical = lexical
        self._source = source

    def fit(self, seed: int = 0) -> Fusion:
        """Return the weight for each script; the same base and seed give the same weights."""
        ids = self._source.vector_ids()
        sample = random.Random(seed).sample(ids, min(len(ids), 4 * _QUESTIONS))  # noqa: S311 - sampling, not secrecy
        chunks = list(self._source.by_vector(sample).values())
        held_out = [item for chunk in chunks if (item := _hold_out(chunk, seed))]
        written = {
            name
            for name, count in Counter(script(chunk.text) for chunk in chunks).items()
            if count > _FOREIGN * len(chunks)
        }
        return Fusion({name: self._weight(name, held_out, name in written) for name in ("cjk", "other")}, len(ids))

    def _weight(self, name: str, held_out: Sequence[HeldOut], is_written: bool) -> float:
        if not is_written:
            return 1.0  # by meaning alone: what words such a question shares with the base are chance
        questions = [item for item in held_out if script(item.sentence) == name][:_QUESTIONS]
        return self._best_weight(questions) if len(questions) >= _FEWEST else UNFITTED_WEIGHT

    def _best_weight(self, questions: Sequence[HeldOut]) -> float:
        """Return the middle of the weights that do as well as the best, by mean reciprocal rank."""
        vectors = self._embedder.embed_passages([item.sentence for item in questions])
        rests = self._embedder.embed_passages([item.rest for item in questions])
        mean_length = float(np.mean([max(len(terms(item.chunk.searchable)), 1) for item in questions]))
        reciprocal = np.zeros(len(_GRID))
        for item, vector, rest in zip(questions, vectors, rests, strict=True):
            floor = cosine_floor(self._embedder)
            own = np.array([float(above(floor, vector @ rest)), self._lexical_score(item, mean_length)])
            rivals = self._rival_scores(item, vector, floor)
            mixed = np.outer(_GRID, rivals[:, 0]) + np.outer(1 - _GRID, rivals[:, 1])
            target = _GRID * own[0] + (1 - _GRID) * own[1]
            reciprocal += 1.0 / (1 + (mixed > target[:, None]).sum(axis=1))
        reciprocal /= len(questions)
        best = _GRID[reciprocal >= reciprocal.max() - 1e-9]
        return round(float(best[len(best) // 2]), 2)

    def _rival_scores(self, item: HeldOut, vector: Vectors, floor: float) -> np.ndarray:
        """Return (dense, lexical) of the strongest other chunks that do not hold the sentence themselves: [n, 2]."""
        lexical = dict(self._lexical.search(item.sentence, _RIVALS))
        dense = dense_scores(self._store, vector, _RIVALS, lexical, floor=floor)
        chunks = self._source.by_vector(list(dense))
        rivals = [id_ for id_, chunk in chunks.items() if item.sentence not in chunk.text]
        return np.array([(dense[id_], lexical.get(id_, 0.0)) for id_ in rivals]).reshape(-1, 2)

    def _lexical_score(self, item: HeldOut, mean_length: float) -> float:
        """Return what the lexical index would give the rest of the chunk: BM25 over its possible maximum."""
        weights = self._lexical.weights(item.sentence)
        counts = Counter(terms(item.rest))
        norm = BM25_K1 * (1 - BM25_B + BM25_B * counts.total() / mean_length)
        score = sum(weight * counts[term] / (counts[term] + norm) for term, weight in weights.items())
        return score / max(sum(weights.values()), 1e-9)


def _hold_out(chunk: Chunk, seed: int) -> HeldOut | None:
    """Take one sentence out of a chunk that has three or more; the same chunk and seed give the same sentence."""
    parts = sentences(chunk.text)
    if len(parts) < 3:
        return None
    taken = random.Random(seed * 1_000_003 + chunk.id).randrange(len(parts))  # noqa: S311 - sampling, not secrecy
    rest = " ".join(part for i, part in enumerate(parts) if i != taken)
    return HeldOut(chunk, parts[taken], rest)
