"""Fitting a base's settings to its own text, and keeping only what does no worse on questions that were not fitted to.

Half of the questions decide what is proposed, the other half what is kept. See docs/decisions/refusal.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from kb_server.bases.open_base import OpenBase
from kb_server.calibration.fits import DEPTHS, Change, Judged, fit_depth, fit_fusion, fit_passages, fit_refusal
from kb_server.calibration.tuning_questions import TuningQuestion, make_tuning_questions, rank_of
from kb_server.catalog.bases import Bases
from kb_server.core.domain import Calibration, Fusion
from kb_server.core.errors import UsageError
from kb_server.core.ports import Embedder, Reranker
from kb_server.search.calibration import untuned

OnTried = Callable[[int, int], None]

QUESTIONS = 200
_FEWEST = 40
_MUCH = 2.0  # times as many chunks, or a half


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What tuning found and stored; `questions` is how many it asked."""

    questions: int
    fusion: Fusion
    calibration: Calibration
    changes: tuple[Change, ...]


class Tuner:
    """Tunes one knowledge base."""

    def __init__(self, opened: OpenBase, bases: Bases, embedder: Embedder, reranker: Reranker | None) -> None:
        self._opened = opened
        self._bases = bases
        self._embedder = embedder
        self._reranker = reranker

    def run(self, count: int = QUESTIONS, seed: int = 0, on_tried: OnTried = lambda *_: None) -> TuneReport:
        """Fit, keep what is no worse, and store it; raises UsageError if the text gives too few questions."""
        questions: list[TuningQuestion] = []
        for question in make_tuning_questions(self._opened, self._embedder, count, seed):
            questions.append(question)
            on_tried(len(questions), count)
        if len(questions) < _FEWEST:
            raise UsageError(
                f"The text of '{self._opened.base.name}' gives {len(questions)} questions; tuning needs {_FEWEST}.",
                "Put more documents in; until then the usual settings hold.",
            )
        tuned = self._tune(questions[::2], questions[1::2])
        self._bases.set_calibration(self._opened.base.id, tuned.fusion, tuned.calibration)
        return tuned

    def refresh(self) -> TuneReport | None:
        """Tune again if the base was tuned and has doubled or halved since; None if there was no need or no text."""
        calibration, chunks = self._opened.base.calibration, self._opened.chunks.count()
        if calibration is None or max(chunks, calibration.chunks) < _MUCH * max(min(chunks, calibration.chunks), 1):
            return None
        return self.run() if chunks >= _FEWEST else None

    def _tune(self, fit: Sequence[TuningQuestion], check: Sequence[TuningQuestion]) -> TuneReport:
        base, chunks = self._opened.base, self._opened.chunks.count()
        now = base.calibration or untuned(chunks)
        weights, changes = fit_fusion(base.fusion, fit, check)
        refusing, refusal = fit_refusal(now, Judged.of(fit, weights), Judged.of(check, weights))
        passages, found = fit_passages(now.passages, _ranks(fit, weights), _ranks(check, weights))
        depth, read = self._fit_depth(now.rerank_depth, fit, check, weights)
        calibration = replace(refusing, passages=passages, rerank_depth=depth, chunks=chunks)
        fusion = Fusion(weights, base.fusion.chunks if base.fusion else chunks)
        return TuneReport(len(fit) + len(check), fusion, calibration, (*changes, *refusal, found, *read))

    def _fit_depth(
        self, now: int, fit: Sequence[TuningQuestion], check: Sequence[TuningQuestion], weights: Mapping[str, float]
    ) -> tuple[int, list[Change]]:
        if self._reranker is None:
            return now, []
        read = [
            [_Read(question, weights[question.script], self._reranker) for question in half] for half in (fit, check)
        ]
        depth, change = fit_depth(now, lambda depth: ([one.rank(depth) for one in half] for half in read))
        return depth, [change]


class _Read:
    """A question whose best passages a reranker has read once, as many as any depth takes."""

    def __init__(self, question: TuningQuestion, weight: float, reranker: Reranker) -> None:
        self._documents = question.documents
        self._hits = question.ranked(weight)
        best = self._hits[: max(DEPTHS)]
        self._scores = reranker.score(question.question, [hit.chunk.searchable for hit in best])

    def rank(self, depth: int) -> int:
        """Return the place of the first passage of the documents when so many are reranked; 0 if none is there."""
        first = sorted(range(min(depth, len(self._scores))), key=lambda i: -self._scores[i])
        return rank_of(self._documents, [*(self._hits[i] for i in first), *self._hits[len(first) :]])


def _ranks(questions: Sequence[TuningQuestion], weights: Mapping[str, float]) -> list[int]:
    return [question.rank(weights[question.script]) for question in questions]
