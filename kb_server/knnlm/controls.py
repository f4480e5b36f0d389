"""What else could explain a lower perplexity: the same mixing with values, neighbours or contexts that mean nothing.

If shuffled values or random neighbours helped as much, the gain would come from token frequencies; if a cache of
n-grams did, it would come from repeated wording, and hidden states would be a costly way to find it.
"""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np

from kb_server.knnlm.combining import Floats, Ints
from kb_server.knnlm.scoring import Scored, interpolated

_ORDER = 3  # the cache looks at two tokens before
_WEIGHTS = (0.05, 0.1, 0.2, 0.3, 0.5)


def shuffled_values(text: Scored, store_tokens: Ints) -> Scored:
    """Keep each key's distance and give it the token of another: one permutation of all values of the store."""
    other = dict(zip(np.unique(store_tokens).tolist(), _permuted(np.unique(store_tokens)).tolist(), strict=True))
    found = np.vectorize(lambda token: other.get(int(token), -1), otypes=[np.int64])(text.found)
    return replace(text, found=found)


def random_neighbours(text: Scored, store_tokens: Ints) -> Scored:
    """Keep the distances and take the values of any rows of the store."""
    rows = np.random.default_rng(0).integers(0, len(store_tokens), text.found.shape)
    return replace(text, found=store_tokens[rows])


def cache_chances(tokens: Ints, stored: Ints) -> Floats:
    """Return for each token of a text how often it followed its longest context of up to two tokens in the store."""
    counts: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(_ORDER)]
    values = stored.tolist()
    for place, token in enumerate(values):
        for length in range(min(_ORDER, place + 1)):
            counts[length][tuple(values[place - length : place])][token] += 1
    read = tokens.tolist()
    return np.array([_chance(counts, read, place) for place in range(len(read))])


def best_cache(own: Floats, chances: Floats) -> float:
    """Return the share of the cache that does best on a text."""
    return max(_WEIGHTS, key=lambda weight: float(interpolated(own, chances, weight).mean()))


def _permuted(values: Ints) -> Ints:
    return np.random.default_rng(0).permutation(values)


def _chance(counts: list[dict[tuple[int, ...], Counter[int]]], read: list[int], place: int) -> float:
    for length in range(min(_ORDER - 1, place), -1, -1):
        followed = counts[length].get(tuple(read[place - length : place]))
        if followed:
            return followed[read[place]] / followed.total()
    return 0.0
