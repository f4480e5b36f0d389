"""Fitting a gate: the share neighbours deserve, by how near they are, how they agree, and how unsure the model is.

Each token was written by one of two, the model or the neighbours, and a logistic regression says by which: expectation
and maximisation by turns, a step of Newton's for the second. No step size has to be chosen, and no likelihood is lost.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kb_server.core.knn_lm import Gate, Mixing
from kb_server.knnlm.interpolation import Floats, evidence, masses, sigmoid
from kb_server.knnlm.perplexity import Scored, interpolated

_ROUNDS = 60
_RIDGE = 1.0  # tokens' worth of doubt about each number but the bias
_DISTANCE = 1  # its column


def gated(text: Scored, mixing: Mixing, cap: float, other: Scored | None = None, weight: float = 0) -> Mixing:
    """Return the mixing with a gate that was fitted on a text.

    All of the `other` text together counts as much as `weight` times the text.
    """
    if other is not None and weight:
        counts = np.repeat([1.0, weight * len(text.tokens) / len(other.tokens)], [len(text.tokens), len(other.tokens)])
        text = text.followed_by(other)
    else:
        counts = np.ones(len(text.tokens))
    near = text.nearest(mixing.k)
    known = evidence(near.distances, near.found, text.unsure, mixing.temperature)
    chance = (masses(near.distances, mixing.temperature) * (near.found == text.tokens[:, None])).sum(1)
    used = np.ones(known.shape[1], np.bool_)
    numbers = _fitted(known, text.own, chance, counts)
    if numbers[_DISTANCE] > 0:
        used[_DISTANCE] = False
        numbers = np.zeros_like(numbers)
        numbers[used] = _fitted(known[:, used], text.own, chance, counts)
    return replace(mixing, gate=Gate(*map(float, numbers)), cap=cap)


def _fitted(known: Floats, own: Floats, chance: Floats, counts: Floats) -> Floats:
    """Return the numbers of a logistic regression on `known` [n, m], whose first column is 1; rows count so much."""
    middle, spread = known.mean(0), known.std(0)
    middle[0], spread[0] = 0, 1
    scaled = (known - middle) / np.where(spread > 0, spread, 1)
    doubt = _RIDGE * np.eye(known.shape[1])
    doubt[0, 0] = 0
    weights = np.zeros(known.shape[1])
    weights[0] = -1.5
    for _ in range(_ROUNDS):
        share = sigmoid(scaled @ weights)
        with np.errstate(divide="ignore"):
            theirs = np.exp(np.log(share * chance) - interpolated(own, chance, share))
        slope = scaled.T @ (counts * (theirs - share)) - doubt @ weights
        curve = (scaled * (counts * share * (1 - share))[:, None]).T @ scaled + doubt + 1e-6 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, slope)
    found: npt.NDArray[np.float64] = weights / np.where(spread > 0, spread, 1)
    found[0] -= found[1:] @ middle[1:]
    return found
