"""From evidence to confidence: a logistic model, whose weights a base's own questions can move."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kb_server.answering.refusal.evidence import Evidence, TermWeights, find_evidence, names_only_unknown
from kb_server.core.domain import Calibration, Hit
from kb_server.core.ports import LexicalIndex

Floats = npt.NDArray[np.float64]


class Assessor:
    """Judges what was found for a question in a knowledge base, or in several as if they were one."""

    def __init__(self, lexicals: Sequence[LexicalIndex], calibration: Calibration) -> None:
        self._lexicals = lexicals
        self._model = ConfidenceModel(calibration.weights)
        self._bound = calibration.refuse_below

    def assess(self, question: str, hits: Sequence[Hit]) -> tuple[float, bool]:
        """Return the confidence, 0..1, in the first hits, best first, and whether it is enough for an answer.

        A question about a code that stands nowhere has no answer: those of its neighbours are none.
        See EVIDENCE_DEPTH for how many hits are looked at.
        """
        known = TermWeights.together([TermWeights(one.weights(question), len(one)) for one in self._lexicals])
        if names_only_unknown(question, known):
            return 0.0, False
        confidence = round(self._model.confidence(find_evidence(question, hits, known)), 4)
        return confidence, confidence >= self._bound


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
