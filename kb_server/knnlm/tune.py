"""Finding how to mix on text of the base itself that the neighbours are not allowed to come from."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from kb_server.core.knn_lm import Gate, Mixing
from kb_server.knnlm.interpolation import Floats, evidence, neighbour_probabilities, sigmoid
from kb_server.knnlm.perplexity import Scored, interpolated, mixed

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
    known = evidence(near.distances, near.found, text.entropy, mixing.temperature)
    chance = (neighbour_probabilities(near.distances, mixing.temperature) * (near.found == text.tokens[:, None])).sum(1)
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


COUNTS = (16, 64, 256)

TEMPERATURES = (0.05, 0.1, 0.2, 0.4, 0.8)  # in mean distances of the nearest

WEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)

CAPS, MIDPOINTS, SLOPES = (0.25, 0.5, 0.75), (0.1, 0.2, 0.3, 0.4), (0.05, 0.1, 0.2)

_CAP = 0.75  # of a gate: it has learned how far to trust the neighbours

_GUARDS = (0.0, 0.25, 0.5, 1.0, 2.0)  # of unrelated text's weight, in texts

_GATED = 200  # tokens at least, for four numbers

_HARM = 0.0025  # nats a token that unrelated text may lose


def tuned(text: Scored, *, adaptive: bool = True) -> Mixing:
    """Return the mixing with the lowest perplexity on a text, of a fixed or an adaptive share.

    The adaptive one has a gate where that does better on each half of the text, fitted on the other.
    """
    plain = max(_candidates(text, adaptive), key=lambda one: float(mixed(text, one).mean()))
    if not adaptive or len(text.tokens) < _GATED:
        return plain
    middle = len(text.tokens) // 2
    first, second = text.part(slice(middle)), text.part(slice(middle, None))

    def crossed(one: Mixing) -> float:
        parts = (mixed(second, gated(first, one, _CAP)), mixed(first, gated(second, one, _CAP)))
        return float(np.concatenate(parts).mean())

    probabilities = {one: crossed(one) for one in _kernels(text)}
    best = max(probabilities, key=probabilities.__getitem__)
    return gated(text, best, _CAP) if probabilities[best] > float(mixed(text, plain).mean()) else plain


def guarded(free: Mixing, text: Scored, unrelated: Scored) -> Mixing:
    """Return a mixing, tuned on a text, that leaves unrelated text alone.

    A gate is fitted again with more and more weight on that text; where that is not enough, a limit on the distance is.
    """
    if free.gate is not None:
        for weight in _GUARDS:
            free = gated(text, free, _CAP, unrelated, weight)
            if float((unrelated.own - mixed(unrelated, free)).mean()) <= _HARM:
                return free
    return limited(free, unrelated)


def limited(mixing: Mixing, unrelated: Scored) -> Mixing:
    """Add the distance beyond which neighbours have no say: the largest that leaves unrelated text alone.

    The perplexity of that text may rise by a quarter of a percent, counted from its nearest token outwards.
    """
    losses = unrelated.own - mixed(unrelated, mixing)
    nearest = unrelated.distances[:, 0]
    order = np.argsort(nearest, kind="stable")
    worst = np.maximum.accumulate(np.cumsum(losses[order])) / len(losses)
    harmless = int((worst <= _HARM).sum())
    if harmless == len(losses):
        return mixing
    first_harmed = float(nearest[order[harmless]])
    return replace(mixing, limit=float(np.nextafter(np.float32(first_harmed), np.float32(-1))))


def _kernels(text: Scored) -> list[Mixing]:
    """Return every number of neighbours with every temperature."""
    unit = float(text.distances[:, 0].mean()) or 1.0
    return [Mixing(k=k, temperature=temperature * unit) for k, temperature in product(COUNTS, TEMPERATURES)]


def _candidates(text: Scored, adaptive: bool) -> Iterator[Mixing]:
    shapes: list[dict[str, Any]] = [{"weight": weight} for weight in WEIGHTS]
    if adaptive:
        shapes = [
            {"cap": cap, "midpoint": middle, "slope": slope} for cap, middle, slope in product(CAPS, MIDPOINTS, SLOPES)
        ]
    for kernel in _kernels(text):
        yield from (replace(kernel, **shape) for shape in shapes)
