"""The neighbours' part in one answer, and the record of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb_server.core.domain import Chunk
from kb_server.core.knn_lm import KnnTrace, Mixing, TokenOrigin, TokenSource
from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore.store import Datastore
from kb_server.knnlm.interpolation import Floats, Ints, Mixture, ModelDistribution, Neighbours, combined, own_of
from kb_server.knnlm.search import KeySearch, exact_distances

NONE = np.empty(0, np.int64)


def neighbours_of(store: Datastore, search: KeySearch, query: Vectors, k: int, pointers: Ints = NONE) -> Neighbours:
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


def pointers_after(store: Datastore, search: KeySearch, found: Neighbours, token: int) -> Ints:
    """Return the rows that follow neighbours whose token was chosen, if they are in play (Alon et al. 2022)."""
    agreeing = found.rows[found.tokens == token]
    if not len(agreeing):
        return NONE
    following = np.unique(store.successors(agreeing))
    active = search.active.rows
    places = np.minimum(np.searchsorted(active, following), len(active) - 1)
    kept: Ints = following[(following >= 0) & (active[places] == following)]
    return kept


_SOURCES = 3  # kept of each token, those with most mass

Decode = Callable[[Sequence[int]], str]

Chunks = Callable[[Sequence[int]], Mapping[int, Chunk]]


@dataclass(frozen=True, slots=True)
class _Step:
    """What is known before a token is chosen: the model's own distribution, and the neighbours' part."""

    own: ModelDistribution
    neighbours: Neighbours
    mixture: Mixture | None


@dataclass(frozen=True, slots=True)
class _Written:
    """What is known of a token afterwards, and the rows that gave it most."""

    origin: TokenOrigin
    rows: list[int]
    masses: list[float]


class NeighbourMixer:
    """A TokenMixer over the active rows of a datastore; one object for one answer.

    With a weight of 0, or no rows, nothing is searched and the model's logits stand as they are.
    """

    def __init__(self, store: Datastore, search: KeySearch, mixing: Mixing, decode: Decode) -> None:
        self._store = store
        self._search = search
        self._mixing = mixing
        self._decode = decode
        self._idle = (mixing.cap if mixing.weight is None else mixing.weight) <= 0 or not len(search.active.rows)
        self._pointers: Ints = NONE
        self._step: _Step | None = None
        self._written: list[_Written] = []

    def mix(self, logits: Vectors, state: Vectors) -> Floats | None:
        """Return mixed log-probabilities [vocabulary], or None where the neighbours have no say."""
        if self._idle:
            return None
        query = self._store.projection.queries(state[None])[0]
        found = neighbours_of(self._store, self._search, query, self._mixing.k, self._pointers)
        own = own_of(logits)
        self._step = _Step(own, found, combined(own, found, self._mixing))
        return self._step.mixture.log_probabilities if self._step.mixture else None

    def chosen(self, token: int) -> None:
        """Note which token was chosen, and where its neighbours go on."""
        step, self._step = self._step, None
        if step is None:
            return
        self._written.append(self._note(token, step))
        if self._mixing.pointers:
            self._pointers = pointers_after(self._store, self._search, step.neighbours, token)

    def trace(self, chunks: Chunks) -> KnnTrace:
        """Return where each token came from; `chunks` finds chunks by id."""
        owner = self._search.active.owner
        known = chunks(sorted({owner(row) for written in self._written for row in written.rows}))
        return KnnTrace(
            len(self._search.active.rows), tuple(self._sourced(written, known) for written in self._written)
        )

    def _note(self, token: int, step: _Step) -> _Written:
        text, unsure, mixture = self._decode([token]), step.own.entropy, step.mixture
        if mixture is None:
            alone = float(np.exp(step.own.log_probabilities[token]))
            return _Written(TokenOrigin(text, 0.0, 0.0, alone, unsure), [], [])
        agreeing = np.flatnonzero(step.neighbours.tokens == token)
        mass, probability = mixture.masses[agreeing].sum(), np.exp(mixture.log_probabilities[token])
        best = agreeing[np.argsort(-mixture.masses[agreeing], kind="stable")[:_SOURCES]]
        origin = TokenOrigin(text, mixture.weight, float(mass), float(probability), unsure)
        return _Written(origin, step.neighbours.rows[best].tolist(), mixture.masses[best].tolist())

    def _sourced(self, written: _Written, known: Mapping[int, Chunk]) -> TokenOrigin:
        """Return a token with its sources, without those whose chunk went out of play while the answer was written."""
        sources = [
            self._source(row, mass, known[owner])
            for row, mass in zip(written.rows, written.masses, strict=True)
            if (owner := self._search.active.owner(row)) in known
        ]
        return replace(written.origin, sources=tuple(sources))

    def _source(self, row: int, mass: float, chunk: Chunk) -> TokenSource:
        document, place = self._store.place(row)
        since, character = self._store.beginning(document, place)
        before = self._decode(self._store.tokens_between(document, since, place))
        return TokenSource(chunk.document, chunk.id, place, character + len(before), mass)
