"""Answering with the best sentences of the passages, word for word; no language model needed.

A sentence is scored as a passage is: its cosine with the question and the share of the question's term weight that it
holds, mixed by the base's fusion weight. That is done for the sentence alone and with the sentence before it (which
often holds what a pronoun means), and the passage's own score is added. See docs/decisions/extract.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kb_server.core.domain import Hit
from kb_server.core.ports import Embedder, LexicalIndex
from kb_server.search.cosine_floor import above, cosine_floor
from kb_server.search.fusion import ELSEWHERE
from kb_server.text.sentences import sentence_spans
from kb_server.text.terms import codes, terms

_WORTH_ADDING = 0.5  # a further sentence is shown if it scores at least this share of the best one


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage: `hit.chunk.text[start:end]`; `context` has the sentence before it too."""

    hit: Hit
    start: int
    end: int
    context: str

    @property
    def text(self) -> str:
        """The sentence's own words."""
        return self.hit.chunk.text[self.start : self.end]


class SentenceExtractor:
    """Picks the sentences that answer a question."""

    def __init__(self, embedder: Embedder, lexical: LexicalIndex) -> None:
        self._embedder = embedder
        self._lexical = lexical

    def scored(self, question: str, hits: Sequence[Hit], dense_weight: float) -> list[tuple[Sentence, float]]:
        """Return every sentence of the passages with its score, which means the same in every base."""
        found = _sentences(hits)
        return list(zip(found, self._scores(question, found, dense_weight), strict=True)) if found else []

    def _scores(self, question: str, found: list[Sentence], dense_weight: float) -> list[float]:
        texts = [sentence.text for sentence in found] + [sentence.context for sentence in found]
        fitting = (1 - dense_weight) * self._term_shares(question, texts)
        if dense_weight > 0:
            fitting += dense_weight * self._cosines(question, texts)
        passages = np.array([sentence.hit.score for sentence in found])
        total = fitting[: len(found)] + fitting[len(found) :] + passages
        if named := set(codes(question)):
            total = _named_first(total, [not named.isdisjoint(terms(sentence.text)) for sentence in found])
        scores: list[float] = total.tolist()
        return scores

    def _term_shares(self, question: str, texts: list[str]) -> np.ndarray:
        """Return the share of the question's term weight that each text holds."""
        weights = self._lexical.weights(question)
        whole = sum(weights.values()) or 1.0
        return np.array([sum(weights.get(term, 0.0) for term in set(terms(text))) / whole for text in texts])

    def _cosines(self, question: str, texts: list[str]) -> np.ndarray:
        cosines = self._embedder.embed_passages(texts) @ self._embedder.embed_query(question)
        return above(cosine_floor(self._embedder), cosines)


def _named_first(scores: np.ndarray, names: Sequence[bool]) -> np.ndarray:
    """Halve the score of every sentence without a code that the question names, if any sentence has one."""
    return np.where(names, 1.0, ELSEWHERE) * scores if any(names) else scores


def best_sentences(scored: Sequence[tuple[Sentence, float]], count: int) -> list[Sentence]:
    """Return up to `count` sentences, the best one's passage first, in the order they stand in each passage.

    Of several that say the same word for word, as where two bases hold one document, only the best is taken.
    """
    ranked: dict[str, tuple[Sentence, float]] = {}
    for sentence, score in sorted(scored, key=lambda pair: -pair[1]):
        ranked.setdefault(sentence.text, (sentence, score))
    chosen = list(ranked.values())[:count]
    best = [sentence for sentence, score in chosen if score >= _WORTH_ADDING * chosen[0][1]]
    passages = [sentence.hit.chunk.id for sentence in best]
    return sorted(best, key=lambda sentence: (passages.index(sentence.hit.chunk.id), sentence.start))


def whole_sentences(hit: Hit) -> list[Sentence]:
    """Return the sentences of a passage in order, without its headings unless it has nothing else."""
    text, before, found = hit.chunk.text, 0, []
    spans = sentence_spans(text)
    for start, end in [span for span in spans if text[slice(*span)] not in hit.chunk.heading_path] or spans:
        found.append(Sentence(hit, start, end, text[before:end]))
        before = start
    return found


def _sentences(hits: Sequence[Hit]) -> list[Sentence]:
    """Return the sentences of all passages once each; overlapping chunks share some."""
    found: dict[tuple[str, int, str], Sentence] = {}
    for hit in hits:
        for sentence in whole_sentences(hit):
            edited = sentence.text if hit.chunk.edited else ""  # which stands elsewhere than its offset says
            found.setdefault((hit.chunk.document, hit.chunk.start + sentence.start, edited), sentence)
    return list(found.values())
