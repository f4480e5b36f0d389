"""Whether the system knows when to be silent: the trade between answering more and answering wrongly.

Confidence decides which questions are answered first. The loss of a question is 0 if its answer holds an accepted one,
else 1; a question the documents cannot answer always has loss 1, and so has one that was refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_BINS = 10


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The risk (mean loss) of answering only the share `coverage` of questions that are most certain."""

    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """AURC: the mean risk over all coverages 1/n, 2/n … 1 (Geifman, Uziel and El-Yaniv 2019); lower is better."""
        return float(self.risk.mean())


def risk_coverage(confidences: Sequence[float], correct: Sequence[bool]) -> RiskCoverage:
    """Return the curve of at least one question. Questions of one confidence share it: each has their mean loss."""
    certainty = np.asarray(confidences, np.float64)
    loss = 1.0 - np.asarray(correct, np.float64)
    _, group = np.unique(-certainty, return_inverse=True)
    shared = np.bincount(group, loss) / np.bincount(group)
    answered = np.arange(1, len(loss) + 1)
    return RiskCoverage(answered / len(loss), np.cumsum(shared[np.sort(group)]) / answered)


def calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Return ECE: the mean distance of confidence from accuracy in ten bins of equal width (Guo et al. 2017)."""
    certainty, right = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    bins = np.clip(np.ceil(certainty * _BINS).astype(int) - 1, 0, _BINS - 1)
    gaps = [abs(certainty[bins == b].sum() - right[bins == b].sum()) for b in range(_BINS)]
    return float(sum(gaps) / len(right))


def refusal_at(confidences: Sequence[float], answerable: Sequence[bool], false_refusal: float) -> float | None:
    """Return the most unanswerable questions a threshold can refuse while it refuses no more than this share of others.

    A question is refused if its confidence lies below the threshold. None if one of the two kinds is missing.
    """
    certainty, known = np.asarray(confidences, np.float64), np.asarray(answerable, bool)
    if known.all() or not known.any():
        return None
    lowest = np.sort(certainty[known])
    threshold = lowest[int(false_refusal * len(lowest))]  # so many lie below it at most
    return float((certainty[~known] < threshold).mean())
