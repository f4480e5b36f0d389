"""Two distributions over the next token, mixed: the model's own and that of the nearest neighbours.

p(v) = (1 - lambda) p_LM(v) + lambda p_kNN(v), with p_kNN(v) the sum of exp(-d/T), normalised, over the neighbours whose
token is v (Khandelwal et al. 2020, equations 2 and 3). Computed in logarithms with 64 bits. Tables may have any number
of leading dimensions; the last one counts neighbours, nearest first.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kb_server.core.knn_lm import Mixing

Floats = npt.NDArray[np.float64]
Distances = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_NEAREST = 1e-3  # added to a distance before its logarithm is taken: the same text has a distance of 0
_LOWEST = -1e9  # in place of the logit of a token that is ruled out: 0 times minus infinity is no number


@dataclass(frozen=True, slots=True)
class ModelDistribution:
    """The model's own distribution: log-probabilities [vocabulary], and its entropy in nats."""

    log_probabilities: Floats
    entropy: float


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Keys near one state, nearest first: their rows in the datastore, squared distances, and the tokens after them.

    The first `near` are the nearest; pointers from the step before follow them.
    """

    rows: Ints
    distances: Distances
    tokens: Ints
    near: int


@dataclass(frozen=True, slots=True)
class Mixture:
    """Mixed log-probabilities [vocabulary], the neighbours' share, and how much of it each neighbour got."""

    log_probabilities: Floats
    weight: float
    neighbour_probabilities: Floats


def shares(distances: Distances, tokens: Ints, entropy: Floats, mixing: Mixing) -> Floats:
    """Return lambda for each list of nearest neighbours: distances and tokens [..., k], the model's entropy [...].

    It is fixed, or as a gate has it, or by how much nearer the first is.
    """
    nearest, farthest = distances[..., 0].astype(np.float64), distances[..., -1].astype(np.float64)
    if mixing.weight is not None:
        found = np.full(nearest.shape, mixing.weight)
    elif mixing.gate is not None:
        gate = mixing.gate
        weights = np.array([gate.bias, gate.distance, gate.entropy, gate.agreement])
        known = evidence(distances, tokens, entropy, mixing.temperature)
        found = np.minimum(mixing.cap, sigmoid(known @ weights))
    else:
        ratio = np.divide(nearest, farthest, out=np.zeros_like(nearest), where=farthest > 0)
        found = np.minimum(mixing.cap, sigmoid((mixing.midpoint - ratio) / mixing.slope))
    return found if mixing.limit is None else np.where(nearest > mixing.limit, 0.0, found)


def evidence(distances: Distances, tokens: Ints, entropy: Floats, temperature: float) -> Floats:
    """Return what a gate looks at [..., 4]: 1, log of the nearest distance, entropy, and how far neighbours agree."""
    agreeing = (neighbour_probabilities(distances, temperature) * (tokens == tokens[..., :1])).sum(-1)
    nearest = np.log(distances[..., 0].astype(np.float64) + _NEAREST)
    return np.stack(np.broadcast_arrays(np.ones_like(nearest), nearest, entropy, agreeing), -1)


def sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-values)), without overflow."""
    found: Floats = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
    return found


def neighbour_probabilities(distances: Distances, temperature: float) -> Floats:
    """Return each neighbour's part of p_kNN; the last dimension sums to 1."""
    exact = distances.astype(np.float64)
    probabilities = np.exp((exact.min(-1, keepdims=True) - exact) / temperature)
    parts: Floats = probabilities / probabilities.sum(-1, keepdims=True)
    return parts


def combined(own: ModelDistribution, neighbours: Neighbours, mixing: Mixing) -> Mixture | None:
    """Mix a model's distribution with neighbours; None where these have no say."""
    if not neighbours.near:
        return None
    near = slice(neighbours.near)
    entropy = np.array(own.entropy)
    weight = float(shares(neighbours.distances[near], neighbours.tokens[near], entropy, mixing))
    if weight <= 0:
        return None
    parts = weight * neighbour_probabilities(neighbours.distances, mixing.temperature)
    with np.errstate(divide="ignore"):
        mixed = own.log_probabilities + np.log1p(-weight)
        tokens, places = np.unique(neighbours.tokens, return_inverse=True)
        mixed[tokens] = np.logaddexp(mixed[tokens], np.log(np.bincount(places, parts)))
    return Mixture(mixed, weight, parts)


def own_of(logits: npt.NDArray[np.float32]) -> ModelDistribution:
    """Return the distribution that logits [vocabulary] stand for, in 64 bits.

    The exponentials are computed once for both: arrays as long as a vocabulary are most of what a step costs.
    """
    high = logits.astype(np.float64)
    high -= high.max()
    np.maximum(high, _LOWEST, out=high)
    probabilities = np.exp(high)
    total = probabilities.sum()
    spread = np.log(total)
    entropy = float(spread - probabilities @ high / total)
    high -= spread
    return ModelDistribution(high, max(0.0, entropy))
