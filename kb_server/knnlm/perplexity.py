"""What mixing is worth on a text: its tokens' probabilities by the model, and by model and neighbours together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb_server.core.knn_lm import Mixing
from kb_server.core.ports import NextTokenModel, Vectors
from kb_server.knnlm.datastore.store import Datastore
from kb_server.knnlm.datastore.texts import windows
from kb_server.knnlm.interpolation import Distances, Floats, Ints, neighbour_probabilities, shares
from kb_server.knnlm.search import KeySearch

WINDOW, CONTEXT = 512, 128  # a text to be judged is read with so much context at least


@dataclass(frozen=True, slots=True)
class Reading:
    """A text's tokens [n], the model's log-probability of each, its entropy and its state before each [n, size]."""

    tokens: Ints
    own: Floats
    entropy: Floats
    states: Vectors


@dataclass(frozen=True, slots=True)
class Scored:
    """Tokens with their neighbours: distances and tokens [n, k], infinite and -1 where there are fewer."""

    tokens: Ints
    own: Floats
    entropy: Floats
    distances: Distances
    found: Ints

    def part(self, chosen: Ints | slice) -> "Scored":
        """Return some of the tokens."""
        tokens, own, entropy = self.tokens[chosen], self.own[chosen], self.entropy[chosen]
        return Scored(tokens, own, entropy, self.distances[chosen], self.found[chosen])

    def followed_by(self, other: "Scored") -> "Scored":
        """Return this text with another behind it."""
        names = ("tokens", "own", "entropy", "distances", "found")
        return Scored(*(np.concatenate([getattr(text, name) for text in (self, other)]) for name in names))

    def nearest(self, k: int) -> "Scored":
        """Return the same with fewer neighbours."""
        return replace(self, distances=self.distances[:, :k], found=self.found[:, :k])


def read(model: NextTokenModel, ids: Sequence[int]) -> Iterator[Reading]:
    """Read a text a window at a time, at most 512 tokens with at least 128 before the first that counts."""
    window = min(WINDOW, model.context_window - len(model.lead()) - 1)
    start = 0
    for seen, new in windows(model, ids, window, min(CONTEXT, window // 4)):
        states, own, entropy = model.score(seen, new)
        tokens = np.array(ids[start : start + new], np.int64)
        yield Reading(tokens, own.astype(np.float64), entropy.astype(np.float64), states)
        start += new


def joined(parts: Sequence[Reading]) -> Reading:
    """Return readings one after another."""
    names = ("tokens", "own", "entropy", "states")
    return Reading(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def scored(store: Datastore, search: KeySearch, reading: Reading, k: int) -> Scored:
    """Find the neighbours of every token's state."""
    distances, rows = search.nearest(store.projection.queries(reading.states), k)
    found = np.where(rows >= 0, store.tokens[rows], -1)
    return Scored(reading.tokens, reading.own, reading.entropy, distances, found)


def mixed(text: Scored, mixing: Mixing) -> Floats:
    """Return the log-probability of each token by model and neighbours together; without pointers."""
    if not text.distances.shape[1]:
        return text.own
    near = text.nearest(mixing.k)
    parts = neighbour_probabilities(near.distances, mixing.temperature)
    chance = (parts * (near.found == text.tokens[:, None])).sum(1)
    return interpolated(text.own, chance, shares(near.distances, near.found, text.entropy, mixing))


def interpolated(own: Floats, chance: Floats, weight: Floats | float) -> Floats:
    """Return log((1 - weight) exp(own) + weight chance)."""
    with np.errstate(divide="ignore"):
        found: Floats = np.logaddexp(own + np.log1p(-np.asarray(weight)), np.log(weight * chance))
    return found


def perplexity(log_probabilities: Floats) -> float:
    """Return exp of the mean negative log-probability."""
    return float(np.exp(-log_probabilities.mean()))
