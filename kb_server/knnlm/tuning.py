"""Finding how to mix on text of the base itself that the neighbours are not allowed to come from."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from kb_server.knnlm.scoring import Scored, mixed
from kb_server.mixing import Mixing

COUNTS = (16, 64, 256)
TEMPERATURES = (0.05, 0.1, 0.2, 0.4, 0.8)  # in mean distances of the nearest
WEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
CAPS, MIDPOINTS, SLOPES = (0.25, 0.5, 0.75), (0.1, 0.2, 0.3, 0.4), (0.05, 0.1, 0.2)
_HARM = 0.0025  # nats a token that unrelated text may lose


def tuned(text: Scored, *, adaptive: bool = True) -> Mixing:
    """Return the mixing with the lowest perplexity on a text, of a fixed or an adaptive share."""
    return min(_candidates(text, adaptive), key=lambda one: -float(mixed(text, one).mean()))


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


def _candidates(text: Scored, adaptive: bool) -> Iterator[Mixing]:
    unit = float(text.distances[:, 0].mean()) or 1.0
    shapes: list[dict[str, Any]] = [{"weight": weight} for weight in WEIGHTS]
    if adaptive:
        shapes = [
            {"cap": cap, "midpoint": middle, "slope": slope} for cap, middle, slope in product(CAPS, MIDPOINTS, SLOPES)
        ]
    for k, temperature in product(COUNTS, TEMPERATURES):
        yield from (replace(Mixing(k=k, temperature=temperature * unit), **shape) for shape in shapes)
