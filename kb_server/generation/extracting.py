"""Answering with the best sentences of the passages, word for word; no language model needed.

A sentence is scored as a passage is: its cosine with the question and the share of the question's term weight that it
holds, mixed by the base's fusion weight. That is done for the sentence alone and with the sentence before it (which
often holds what a pronoun means), and the passage's own score is added. See docs/decisions/extract.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kb_server.domain import Hit
from kb_server.ports import Embedder, LexicalIndex
from kb_server.retrieval.terms import terms
from kb_server.sentences import sentence_spans

_WORTH_ADDING = 0.5  # a further sentence is shown if it scores at least this share of the best one


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage: `hit.chunk.text[start:end]`."""

    hit: Hit
    start: int
    end: int
    text: str
    context: str  # with the sentence before it
    score: float = 0.0


class SentenceExtractor:
    """Picks the sentences that answer a question."""

    def __init__(self, embedder: Embedder, lexical: LexicalIndex) -> None:
        self._embedder = embedder
        self._lexical = lexical

    def extract(self, question: str, hits: Sequence[Hit], count: int, dense_weight: float) -> list[Candidate]:
        """Return up to `count` sentences: the best passage's first, each passage's in the order they stand there."""
        candidates = _candidates(hits)
        scored = sorted(self._score(question, candidates, dense_weight), key=lambda item: -item.score)
        best = [item for item in scored[:count] if item.score >= _WORTH_ADDING * scored[0].score]
        order = [item.hit.chunk.id for item in best]
        return sorted(best, key=lambda item: (order.index(item.hit.chunk.id), item.start))

    def _score(self, question: str, candidates: list[Candidate], dense_weight: float) -> list[Candidate]:
        lexical = self._lexical_shares(question, candidates)
        dense = self._cosines(question, candidates) if dense_weight > 0 else [0.0] * len(candidates)
        return [
            Candidate(
                item.hit,
                item.start,
                item.end,
                item.text,
                item.context,
                dense_weight * cosine + (1 - dense_weight) * share + item.hit.score,
            )
            for item, cosine, share in zip(candidates, dense, lexical, strict=True)
        ]
