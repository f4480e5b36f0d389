"""Questions to tune a base with: each is answered by the base, and by none of it once its document is left out."""

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from kb_server.answering.refusal.evidence import EVIDENCE_DEPTH, Evidence, QuestionWeights, TermWeights, find_evidence
from kb_server.bases.open_base import OpenBase
from kb_server.calibration.questions import MadeQuestion, make_questions
from kb_server.core.domain import Chunk, Filter, Hit
from kb_server.core.ports import Embedder
from kb_server.search.fusion import fuse
from kb_server.search.hybrid import HybridRetriever
from kb_server.text.question_terms import asked_words
from kb_server.text.terms import is_cjk, script, terms

Known = Callable[[str], TermWeights]

_FEWEST, _MOST = 3, 9

_SHARES = (0.35, 1.1)

_STRANGE = 0.5


class SyntheticQueries:
    """Rewords questions of one base; `known` gives the weights of a text's terms. Reproducible by its seed."""

    def __init__(self, texts: Sequence[str], known: Known, seed: int) -> None:
        self._texts = texts
        self._known = known
        self._random = random.Random(seed)  # noqa: S311 - sampling, not secrecy

    def reword(self, question: str, passage: Collection[str]) -> str | None:
        """Return a question of which a passage, given by its terms, holds a drawn share; None if it says too little."""
        cjk = script(question) == "cjk"
        words, others = self._some(asked_words(question)), self._others(cjk=cjk)
        if len(words) < _FEWEST or not others:
            return None
        share = self._random.uniform(*_SHARES)
        order = self._random.sample(range(len(words)), len(words))
        while order and self._held(_joined(words, cjk=cjk), passage) > share:
            words[order.pop()] = self._other(others)
        return _joined(words, cjk=cjk)

    def _some(self, words: list[str]) -> list[str]:
        count = self._random.randint(_FEWEST, _MOST)
        start = self._random.randint(0, max(0, len(words) - count))
        return words[start : start + count]

    def _others(self, *, cjk: bool) -> list[str]:
        text = self._random.choice(self._texts)
        return [word for word in asked_words(text) if is_cjk(word) == cjk]

    def _other(self, words: list[str]) -> str:
        """Return a word of the base, or a word that it hardly has: one of its own, read backwards."""
        word = self._random.choice(words)
        return word[::-1] if self._random.random() < _STRANGE else word

    def _held(self, question: str, passage: Collection[str]) -> float:
        return QuestionWeights(question, self._known(question)).share(passage)


def _joined(words: list[str], *, cjk: bool) -> str:
    return "".join(words) + "？" if cjk else " ".join(words) + "?"


_LOOKED_THROUGH = 4000  # chunks of a large base that questions are made from

_DEEP = 100

_LARGE_DOCUMENT, _LARGE_SHARE = 200, 0.1


@dataclass(frozen=True, slots=True)
class TuningQuestion:
    """A question, the documents that answer it, and what was found for it with the score of every stage.

    `left_out` are the chunks of those documents (of a large one, those around the answer), `known` the question's
    weights with them and `unknown` without.
    """

    question: str
    documents: tuple[str, ...]
    hits: tuple[Hit, ...]
    left_out: frozenset[int]
    known: TermWeights
    unknown: TermWeights

    @property
    def script(self) -> str:
        """The script that decides the weight of the dense score."""
        return script(self.question)

    def ranked(self, weight: float) -> list[Hit]:
        """Return the hits, best first, for a weight of the dense score."""
        by_id = {hit.chunk.id: hit for hit in self.hits}
        dense, lexical = (
            {id_: hit.stages[stage] for id_, hit in by_id.items() if stage in hit.stages}
            for stage in ("dense", "lexical")
        )
        return [replace(by_id[id_], score=score) for id_, score in fuse(dense, lexical, weight)]

    def rank(self, weight: float) -> int:
        """Return the place, from 1, of the first passage of the documents for a weight; 0 if none is there."""
        return rank_of(self.documents, self.ranked(weight))

    def evidence(self, weight: float, *, answerable: bool) -> Evidence:
        """Return the evidence for an answer, in the whole base or in what is left without the documents."""
        hits = self.ranked(weight)
        if answerable:
            return find_evidence(self.question, hits[:EVIDENCE_DEPTH], self.known)
        return find_evidence(self.question, [hit for hit in hits if hit.chunk.id not in self.left_out], self.unknown)


def rank_of(documents: Sequence[str], hits: Sequence[Hit]) -> int:
    """Return the place, from 1, of the first of the documents among the hits; 0 if none is there."""
    return next((place for place, hit in enumerate(hits, 1) if hit.chunk.document in documents), 0)


def make_tuning_questions(opened: OpenBase, embedder: Embedder, count: int, seed: int) -> Iterator[TuningQuestion]:
    """Yield up to so many questions; the same base and seed give the same ones."""
    ids = opened.chunks.vector_ids()
    sampled = random.Random(seed).sample(ids, min(len(ids), _LOOKED_THROUGH))  # noqa: S311 - sampling, not secrecy
    chunks = opened.chunks.by_vector(sorted(sampled))
    rewording = SyntheticQueries([chunk.text for chunk in chunks.values()], lambda text: _known(opened, text), seed)
    retriever = HybridRetriever(embedder, opened.store, opened.lexical, opened.chunks, None)
    for made in make_questions(list(chunks.values()), count, 0, seed):
        if made.chunk is None:
            continue
        question = rewording.reword(made.case.question, set(terms(made.chunk.searchable)))
        if question:
            yield _try(opened, retriever, question, made, made.chunk)


def _try(
    opened: OpenBase, retriever: HybridRetriever, question: str, made: MadeQuestion, chunk: Chunk
) -> TuningQuestion:
    hits = retriever.retrieve(question, _DEEP)
    left_out = _chunks_to_leave_out(opened, made.case.documents, chunk)
    known = _known(opened, question)
    unknown = known.without([set(terms(one.searchable)) for one in left_out])
    return TuningQuestion(
        question, made.case.documents, tuple(hits), frozenset(one.id for one in left_out), known, unknown
    )


def _known(opened: OpenBase, text: str) -> TermWeights:
    return TermWeights(opened.lexical.weights(text), len(opened.lexical))


def _chunks_to_leave_out(opened: OpenBase, names: Sequence[str], chunk: Chunk) -> list[Chunk]:
    ids = opened.chunks.ids(Filter(documents=tuple(names)))
    if len(ids) > min(_LARGE_DOCUMENT, _LARGE_SHARE * len(opened.lexical)):
        ids = [id_ for id_ in ids if abs(id_ - chunk.id) <= 1]
    return list(opened.chunks.by_vector(list(opened.chunks.vector_ids_of(ids).values())).values())
