"""kNN-LM over one knowledge base: its datastore made and kept in step, and its part in answers."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from time import perf_counter

from filelock import FileLock, Timeout

from kb_server.bases.open_base import OpenBase
from kb_server.core.domain import Chunk, DocumentState, Filter
from kb_server.core.errors import Busy, NotFound
from kb_server.core.knn_lm import KnnAsk, KnnScope, Mixing
from kb_server.core.ports import NextTokenModel
from kb_server.knnlm.datastore.build import Builder, DatastoreShape
from kb_server.knnlm.datastore.index import WORTH_IT, build_index, has_index, search_of
from kb_server.knnlm.datastore.manifest import FILE_NAME, DatastoreManifest
from kb_server.knnlm.datastore.passages import Span, active_within
from kb_server.knnlm.datastore.store import Active, Datastore, remove
from kb_server.knnlm.mixer import NeighbourMixer
from kb_server.knnlm.search import KeySearch


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
