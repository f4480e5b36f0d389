"""How a base is asked until it is tuned, and how several are asked as one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kb_server.core.domain import Calibration

# Fitted to questions about XQuAD and CMRC 2018 with every sixth article left out: python -m benchmarks.refusal --fit
UNTUNED = Calibration(weights=(6.7, 2.93, -2.03, 4.54, -5.23), refuse_below=0.35, passages=3, rerank_depth=20, chunks=0)

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
