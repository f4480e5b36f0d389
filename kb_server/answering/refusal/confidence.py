"""From evidence to confidence: a logistic model, whose weights a base's own questions can move."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kb_server.answering.refusal.evidence import Evidence, TermWeights, find_evidence
from kb_server.core.domain import Calibration, Hit
from kb_server.core.ports import LexicalIndex


class Assessor:
    """Judges what was found for a question in a knowledge base, or in several as if they were one."""

    def __init__(self, lexicals: Sequence[LexicalIndex], calibration: Calibration) -> None:
        self._lexicals = lexicals
        self._model = ConfidenceModel(calibration.weights)
        self._bound = calibration.refuse_below

    def assess(self, question: str, hits: Sequence[Hit]) -> tuple[float, bool]:
        """Return the confidence, 0..1, in the first hits, best first, and whether it is enough for an answer.

        See EVIDENCE_DEPTH for how many hits are looked at.
        """
        known = [TermWeights(lexical.weights(question), len(lexical)) for lexical in self._lexicals]
        evidence = find_evidence(question, hits, TermWeights.together(known))
        confidence = round(self._model.confidence(evidence), 4)
        return confidence, confidence >= self._bound


Floats = npt.NDArray[np.float64]

_STIFFNESS = 0.1  # how hard the weights are held where they begin

_STEPS = 100


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """`weights` are those of score, coverage, absent and lead, and a bias; see Evidence."""

    weights: tuple[float, ...]

    def confidence(self, evidence: Evidence) -> float:
        """Return how likely it is, 0..1, that the base holds the answer, were half of all questions answerable."""
        return float(_sigmoid(_rows([evidence]) @ np.array(self.weights))[0])

    def fitted(self, evidence: Sequence[Evidence], answerable: Sequence[bool]) -> "ConfidenceModel":
        """Return a model moved towards these questions: penalised maximum likelihood by Newton's method.

        Both kinds weigh the same in all, however many they are; both must be there.
        """
        rows, target = _rows(evidence), np.asarray(answerable, np.float64)
        share = np.where(target == 1, 0.5 / target.sum(), 0.5 / (1 - target).sum())
        start = np.array(self.weights)
        weights = start.copy()
        for _ in range(_STEPS):
            found = _sigmoid(rows @ weights)
            slope = rows.T @ (share * (found - target)) + _STIFFNESS * (weights - start)
            curve = (rows.T * (share * found * (1 - found))) @ rows + _STIFFNESS * np.eye(len(start))
            weights -= 0.5 * np.linalg.solve(curve, slope)  # half steps: whole ones overshoot where classes part
        return ConfidenceModel(tuple(round(float(weight), 4) for weight in weights))


def _rows(evidence: Sequence[Evidence]) -> Floats:
    return np.array([[*item.vector(), 1.0] for item in evidence], np.float64)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -50, 50))), np.float64)


# Fitted to questions about XQuAD and CMRC 2018 with every sixth article left out: python -m benchmarks.refusal --fit
UNTUNED = Calibration((4.31, 4.12, -2.36, 4.08, -4.69), refuse_below=0.35, passages=3, rerank_depth=20, chunks=0)

_SMALL, _LARGE, _LEAST = 50, 300, 0.1  # chunks between which the bound rises, from this share of it


def untuned(chunks: int) -> Calibration:
    """Return what holds for a base of so many chunks until it is tuned.

    A small one lacks many of the words that people ask with, so that their absence says little: less is refused.
    """
    share = min(max((chunks - _SMALL) / (_LARGE - _SMALL), _LEAST), 1.0)
    return replace(UNTUNED, refuse_below=round(UNTUNED.refuse_below * share, 3))


def mean_calibration(calibrations: Sequence[Calibration], chunks: Sequence[int]) -> Calibration:
    """Return the first of these with the weights and the bound that they have on average, weighed by their chunks."""
    share = np.array(chunks, np.float64) / max(sum(chunks), 1)
    if len(calibrations) == 1 or not share.any():
        return calibrations[0]
    weights = share @ np.array([one.weights for one in calibrations])
    bound = float(share @ np.array([one.refuse_below for one in calibrations]))
    return replace(calibrations[0], weights=tuple(map(float, weights)), refuse_below=bound)
