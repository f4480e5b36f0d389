"""The nearest keys of a state, with the tokens after the neighbours of the step before."""

import numpy as np

from kb_server.knnlm.combining import Ints, Neighbours
from kb_server.knnlm.datastore import Datastore
from kb_server.knnlm.searching import Search, exact_distances
from kb_server.ports import Vectors

NONE = np.empty(0, np.int64)


def neighbours_of(store: Datastore, search: Search, query: Vectors, k: int, pointers: Ints = NONE) -> Neighbours:
    """Return up to k rows nearest a projected state [dimension], and those of `pointers` that are not among them.

    What an approximate search did not find is left out.
    """
    distances, rows = (found[0] for found in search.nearest(query[None], k))
    distances, rows = distances[rows >= 0], rows[rows >= 0]
    more = np.setdiff1d(pointers, rows)
    if len(more):
        far = exact_distances(query[None], store.keys(more), np.arange(len(more))[None])[0]
        order = np.lexsort((more, far))
        distances, more = np.concatenate([distances, far[order]]), more[order]
    found = np.concatenate([rows, more])
    return Neighbours(found, distances, store.tokens[found], len(rows))


def pointers_after(store: Datastore, search: Search, found: Neighbours, token: int) -> Ints:
    """Return the rows that follow neighbours whose token was chosen, if they are in play (Alon et al. 2022)."""
    agreeing = found.rows[found.tokens == token]
    if not len(agreeing):
        return NONE
    following = np.unique(store.successors(agreeing))
    active = search.active.rows
    places = np.minimum(np.searchsorted(active, following), len(active) - 1)
    kept: Ints = following[(following >= 0) & (active[places] == following)]
    return kept
