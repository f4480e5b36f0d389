"""The neighbours' part in one answer, and the record of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb_server.domain import Chunk
from kb_server.knnlm.combining import Floats, Ints, Mixture, Neighbours, Own, combined, own_of
from kb_server.knnlm.datastore import Datastore
from kb_server.knnlm.neighbours import NONE, neighbours_of, pointers_after
from kb_server.knnlm.searching import Search
from kb_server.mixing import KnnTrace, Mixing, TokenOrigin, TokenSource
from kb_server.ports import Vectors

_SOURCES = 3  # kept of each token, those with most mass

Decode = Callable[[Sequence[int]], str]
Chunks = Callable[[Sequence[int]], Mapping[int, Chunk]]


@dataclass(frozen=True, slots=True)
class _Step:
    """What is known before a token is chosen: the model's own distribution, and the neighbours' part."""

    own: Own
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

    def __init__(self, store: Datastore, search: Search, mixing: Mixing, decode: Decode) -> None:
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
