"""kNN-LM over one knowledge base: its datastore made and kept in step, and its part in answers."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np
from filelock import FileLock, Timeout

from kb_server.bases.open_base import OpenBase
from kb_server.core.domain import Chunk, DocumentState, Filter
from kb_server.core.errors import Busy, NotFound
from kb_server.core.knn_lm import KnnAsk, KnnScope, KnnTrace, Mixing, TokenOrigin, TokenSource
from kb_server.core.ports import NextTokenModel, Vectors
from kb_server.knnlm.datastore.build import Builder, DatastoreShape
from kb_server.knnlm.datastore.index import WORTH_IT, build_index, has_index, search_of
from kb_server.knnlm.datastore.manifest import FILE_NAME, DatastoreManifest
from kb_server.knnlm.datastore.passages import Span, active_within
from kb_server.knnlm.datastore.store import Active, Datastore, remove
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
    neighbour_probabilities: list[float]


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
        text, entropy, mixture = self._decode([token]), step.own.entropy, step.mixture
        if mixture is None:
            alone = float(np.exp(step.own.log_probabilities[token]))
            return _Written(TokenOrigin(text, 0.0, 0.0, alone, entropy), [], [])
        agreeing = np.flatnonzero(step.neighbours.tokens == token)
        mass, probability = mixture.neighbour_probabilities[agreeing].sum(), np.exp(mixture.log_probabilities[token])
        best = agreeing[np.argsort(-mixture.neighbour_probabilities[agreeing], kind="stable")[:_SOURCES]]
        origin = TokenOrigin(text, mixture.weight, float(mass), float(probability), entropy)
        return _Written(origin, step.neighbours.rows[best].tolist(), mixture.neighbour_probabilities[best].tolist())

    def _sourced(self, written: _Written, known: Mapping[int, Chunk]) -> TokenOrigin:
        """Return a token with its sources, without those whose chunk went out of play while the answer was written."""
        sources = [
            self._source(row, mass, known[owner])
            for row, mass in zip(written.rows, written.neighbour_probabilities, strict=True)
            if (owner := self._search.active.owner(row)) in known
        ]
        return replace(written.origin, sources=tuple(sources))

    def _source(self, row: int, mass: float, chunk: Chunk) -> TokenSource:
        document, place = self._store.place(row)
        since, character = self._store.beginning(document, place)
        before = self._decode(self._store.tokens_between(document, since, place))
        return TokenSource(chunk.document, chunk.id, place, character + len(before), mass)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What `kb knn build` did: `read` tokens, in `seconds`; `keys` are there now, `bytes` all files together."""

    documents: int
    read: int
    dropped: int
    keys: int
    bytes: int
    indexed: bool
    seconds: float


class KnnLm:
    """The datastore of one base and model; threads may share it."""

    def __init__(self, opened: OpenBase, model: Callable[[], NextTokenModel], shape: DatastoreShape) -> None:
        self._opened = opened
        self._make = model
        self._shape = shape
        self._lock = Lock()
        self._store: Datastore | None = None
        self._signature: tuple[int, int] = (0, 0)
        self._whole: tuple[tuple[int, ...], KeySearch] | None = None

    @property
    def model(self) -> NextTokenModel:
        """The language model; raises GenerationFailed for one whose hidden states cannot be read."""
        return self._make()

    @property
    def folder(self) -> Path:
        """Where the datastore of this model lies."""
        identity = replace(self.model.identity(), name="")
        digest = hashlib.sha256(repr(sorted(asdict(identity).items())).encode()).hexdigest()
        return self._opened.files.folder / f"knn-{digest[:16]}"

    def build(
        self, anew: bool = False, on_progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> BuildReport:
        """Read the documents that the datastore does not have, and let go of those that are gone.

        `on_progress` is told characters done and in all. Stopped at any point, the same call goes on from there. Raises
        Busy while another process builds.
        """
        started = perf_counter()
        folder = self.folder
        with self._building(folder):
            if anew:
                remove(folder)
            documents = {doc.id: doc for doc in self._opened.documents.all() if doc.state is DocumentState.INDEXED}
            meter = _Meter(len(documents), on_progress)

            def text(id_: int) -> tuple[str, Sequence[Chunk]]:
                meter.start(id_)
                chunks = self._opened.chunks.of_document(id_)
                return self._opened.documents.text(documents[id_].name), chunks

            built = Builder(folder, self.model, self._shape, text).run(sorted(documents))
            store = Datastore.open(folder, self.model.identity())
            indexed = _index(store)
        size = sum(path.stat().st_size for path in folder.iterdir())
        seconds = round(perf_counter() - started, 3)
        return BuildReport(built.documents, built.tokens, built.dropped, len(store), size, indexed, seconds)

    def store(self) -> Datastore:
        """Return the datastore as it is now; raises NotFound, ModelMismatch or StorageError."""
        folder = self.folder
        with self._lock:
            signature = _signature(folder / FILE_NAME)
            if self._store is None or signature != self._signature:
                self._store = Datastore.open(folder, self.model.identity())
                self._signature, self._whole = signature, None
            return self._store

    def mixer(
        self,
        passages: Sequence[Chunk],
        asked: KnnAsk,
        filters: Filter | None = None,
        parts: Sequence[Span] | None = None,
    ) -> tuple[NeighbourMixer, str | None]:
        """Return what takes part in one answer, and why it has nothing to say, if so.

        A filter of the question holds for the neighbours too, in either scope: the passages were found under it. With
        `parts` only those parts of them count.
        """
        store = self.store()
        if asked.scope is KnnScope.ALL:
            search = search_of(store, self.active(filters)) if filters else self.whole()
        else:
            search = search_of(store, self._active_of(store, passages, parts))
        reason = None if len(search.active.rows) else _REASONS[asked.scope]
        return NeighbourMixer(store, search, asked.mixing(store.manifest.tuned), self.model.decode), reason

    def _active_of(self, store: Datastore, passages: Sequence[Chunk], parts: Sequence[Span] | None) -> Active:
        if parts is None:
            return store.active([chunk.id for chunk in passages if not chunk.edited])
        return active_within(store, self.model.decode, [part for part in parts if not part[0].edited])

    def chunks(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """Return chunks that are searchable now, for provenance."""
        return self._opened.chunks.by_id(ids)

    def active(self, filters: Filter | None = None) -> Active:
        """Return the rows of every searchable chunk that has its document's own wording."""
        return self.store().active(self._chunk_ids(filters))

    def whole(self) -> KeySearch:
        """Return the search over the whole base; kept until base or datastore change."""
        store = self.store()
        key = self._chunk_ids()
        with self._lock:
            if self._whole is None or self._whole[0] != key:
                self._whole = (key, search_of(store, store.active(key)))
            return self._whole[1]

    def _chunk_ids(self, filters: Filter | None = None) -> tuple[int, ...]:
        chunks = self._opened.chunks
        return tuple(sorted(set(chunks.ids(filters)) - chunks.edited_ids()))

    def keep_tuned(self, mixing: Mixing) -> None:
        """Write into the manifest how answers shall be mixed."""
        folder = self.folder
        with self._building(folder):
            manifest = DatastoreManifest.read(folder)
            if manifest is None:
                raise NotFound("The knowledge base has no datastore for kNN-LM.", "Make one with: kb knn build NAME")
            replace(manifest, tuned=mixing).write(folder)

    @contextmanager
    def _building(self, folder: Path) -> Iterator[None]:
        self._opened.files.make()
        try:
            with FileLock(folder.with_name(f"lock-{folder.name}"), timeout=0):
                yield
        except Timeout as error:
            raise Busy(
                f"Another process builds the datastore of '{self._opened.base.name}'.", "Wait until it is done."
            ) from error


_REASONS = {
    KnnScope.RETRIEVED: "None of the passages found is in the datastore; kb knn build brings it up to date.",
    KnnScope.ALL: "The datastore has no keys of this base's passages; kb knn build brings it up to date.",
}


class _Meter:
    """Counts the documents that were begun."""

    def __init__(self, count: int, on_progress: Callable[[int, int], None]) -> None:
        self._count = count
        self._on_progress = on_progress
        self._begun: set[int] = set()

    def start(self, id_: int) -> None:
        self._begun.add(id_)
        self._on_progress(len(self._begun) - 1, self._count)


def _index(store: Datastore) -> bool:
    """Build the index of a large datastore whose own is missing or outgrown; tell whether it has one then."""
    indexed = has_index(store)
    if len(store) > WORTH_IT and not (indexed and _covers(store)):
        build_index(store)
        return True
    return indexed


def _covers(store: Datastore) -> bool:
    """Whether the index knows most rows; the rest is compared one by one."""
    return store.manifest.index is not None and len(store) - int(store.manifest.index["rows"]) < WORTH_IT


def _signature(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_ino)
