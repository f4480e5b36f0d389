"""What speaks for a base holding the answer to a question, in a few figures that mean the same in every base.

See docs/decisions/refusal.md for what else was tried.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from kb_server.core.domain import Hit
from kb_server.text.question_terms import QuestionTerm, asked_pieces
from kb_server.text.terms import codes, script, terms

EVIDENCE_DEPTH = 10  # passages looked at


@dataclass(frozen=True, slots=True)
class Evidence:
    """Figures of 0..1.

    `score`: the best passage's, of the fusion; `coverage`: the share of the weight of what is asked that the passage
    with most of it holds; `absent`: the share that no passage of the whole base holds; `lead`: by how much of its score
    the best passage lies above the middle one of those looked at; the only one there is lies above one of score 0.
    """

    score: float
    coverage: float
    absent: float
    lead: float

    def vector(self) -> npt.NDArray[np.float64]:
        """Return the figures, float64 [4], in the order above."""
        return np.array(astuple(self), np.float64)


@dataclass(frozen=True, slots=True)
class TermWeights:
    """What the terms of a question weigh in a base of so many chunks.

    A term that f of n chunks hold weighs log(1 + (n - f + .5) / (f + .5)), as in BM25.
    """

    weights: Mapping[str, float]
    chunks: int

    def without(self, left_out: Sequence[Collection[str]]) -> "TermWeights":
        """Return the weights as if these chunks, given by their terms, were not in the base."""
        rest = max(self.chunks - len(left_out), 0)
        kept = {term: n - sum(term in chunk for chunk in left_out) for term, n in self.holders().items()}
        return TermWeights({term: _weight(min(max(n, 0), rest), rest) for term, n in kept.items()}, rest)

    def holders(self) -> dict[str, int]:
        """Return how many chunks hold each term."""
        return {
            term: round((self.chunks + 1) / math.exp(weight) - 0.5) if self.chunks else 0
            for term, weight in self.weights.items()
        }

    @classmethod
    def together(cls, parts: Sequence["TermWeights"]) -> "TermWeights":
        """Return what the terms of one question weigh where the chunks of several bases lie in one."""
        chunks = sum(part.chunks for part in parts)
        holders: Counter[str] = Counter()
        for part in parts:
            holders.update(part.holders())
        return cls({term: _weight(n, chunks) for term, n in holders.items()}, chunks)

    def is_absent(self, term: str) -> bool:
        """Tell whether no chunk holds a term."""
        return self.weights[term] >= _weight(0, self.chunks) - 1e-6


def find_evidence(question: str, hits: Sequence[Hit], known: TermWeights) -> Evidence:
    """Return the evidence in the first hits, best first; `known` has the weight of each term of the question."""
    looked_at = hits[:EVIDENCE_DEPTH]
    if _is_foreign(question, looked_at):
        return _across_scripts(looked_at)
    asked = QuestionWeights(question, known)
    held = [set(terms(hit.chunk.searchable)) for hit in hits[:EVIDENCE_DEPTH]]
    best = max((asked.share(chunk) for chunk in held), default=0.0)
    scores = [fused_score(hit) for hit in hits[:EVIDENCE_DEPTH]]
    top = max(scores, default=0.0)
    middle = median(scores if len(scores) > 1 else [top, 0.0])
    return Evidence(top, best, asked.absent(), 1 - middle / top if top > 0 else 0.0)


def names_only_unknown(question: str, known: TermWeights) -> bool:
    """Tell whether a question names codes, and no chunk holds any of them."""
    named = codes(question)
    return bool(named) and all(term not in known.weights or known.is_absent(term) for term in named)


def _is_foreign(question: str, hits: Sequence[Hit]) -> bool:
    return bool(hits) and script(question) not in {script(hit.chunk.text) for hit in hits}


def _across_scripts(hits: Sequence[Hit]) -> Evidence:
    """Return the evidence for a question in another script than all passages, whose words say nothing: its meaning."""
    scores = [hit.stages.get("dense", 0.0) for hit in hits]
    top = max(scores)
    return Evidence(top, top, 0.0, 1 - median(scores) / top if top > 0 and len(scores) > 1 else 1.0)


class QuestionWeights:
    """What a question asks, weighed: a piece weighs what its terms do on average, as much as any if none is known."""

    def __init__(self, question: str, known: TermWeights) -> None:
        self._weighed = [_weigh(piece, known) for piece in asked_pieces(question)]
        self._whole = sum(weight for _, weight in self._weighed) or 1.0

    def share(self, held: Collection[str]) -> float:
        """Return the share of the weight that these terms hold."""
        return sum(weight for names, weight in self._weighed if not names.isdisjoint(held)) / self._whole

    def absent(self) -> float:
        """Return the share of the weight that nothing in the base holds."""
        return sum(weight for names, weight in self._weighed if not names) / self._whole


def fused_score(hit: Hit) -> float:
    """Return a hit's score before reranking."""
    return hit.stages.get("fusion", hit.score)


def _weigh(piece: QuestionTerm, known: TermWeights) -> tuple[frozenset[str], float]:
    """Return the terms of a piece that the base holds, and its weight."""
    there = [term for term in piece.terms if not known.is_absent(term)]
    weights = [known.weights[term] for term in there] or [_weight(0, known.chunks)]
    return frozenset(there), piece.size * sum(weights) / len(weights)


def _weight(holders: int, chunks: int) -> float:
    return math.log1p((chunks - holders + 0.5) / (holders + 0.5))
