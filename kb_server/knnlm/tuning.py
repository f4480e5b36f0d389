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
_WORTH = 0.02  # nats a token that the base's own text may lose for leaving other text alone
_UNRELATED = 0.95  # of unrelated text's tokens get no neighbours


def tuned(text: Scored, *, adaptive: bool = True) -> Mixing:
    """Return the mixing with the lowest perplexity on a text, of a fixed or an adaptive share."""
    return min(_candidates(text, adaptive), key=lambda one: -float(mixed(text, one).mean()))


def limited(mixing: Mixing, text: Scored, unrelated: Scored) -> Mixing:
    """Add the distance beyond which neighbours have no say, unless that costs related text too much.

    It is where nearly all of the unrelated text's nearest neighbours lie beyond.
    """
    limit = float(np.quantile(unrelated.distances[:, 0], 1 - _UNRELATED))
    with_limit = replace(mixing, limit=limit)
    loss = float(mixed(text, mixing).mean() - mixed(text, with_limit).mean())
    return with_limit if loss < _WORTH else mixing


def _candidates(text: Scored, adaptive: bool) -> Iterator[Mixing]:
    unit = float(text.distances[:, 0].mean()) or 1.0
    shapes: list[dict[str, Any]] = [{"weight": weight} for weight in WEIGHTS]
    if adaptive:
        shapes = [
            {"cap": cap, "midpoint": middle, "slope": slope} for cap, middle, slope in product(CAPS, MIDPOINTS, SLOPES)
        ]
    for k, temperature in product(COUNTS, TEMPERATURES):
        yield from (replace(Mixing(k=k, temperature=temperature * unit), **shape) for shape in shapes)
