"""How far a mean could lie off, by the bootstrap: cases drawn anew, with replacement, again and again."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_DRAWS = 2000
_LEVEL = 95


def mean_interval(values: Floats, seed: int = 0) -> tuple[float, float]:
    """Return the 95% percentile interval of the mean of at least one value; the same values give the same interval.

    Efron and Tibshirani 1993, section 13.3. Values that are all equal give an interval of width 0, and so does one.
    """
    draws = np.random.default_rng(seed).integers(0, len(values), (_DRAWS, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    return float(low), float(high)
