"""Making a datastore: documents are read a window at a time, and what is read is soon durable.

A document is never read twice, whatever stopped the run before. The projection is fitted once, on the states of the
first documents, and stays: so what is added later gets the keys that it would have got then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from kb_server.core.domain import Chunk
from kb_server.core.ports import NextTokenModel, Vectors
from kb_server.knnlm.datastore.manifest import DatastoreManifest
from kb_server.knnlm.datastore.projection import Keys, Projection, write_projection
from kb_server.knnlm.datastore.segments import Segment, write_segment
from kb_server.knnlm.datastore.store import Datastore, remove
from kb_server.knnlm.datastore.texts import Tokenised, states, tokenised
from kb_server.knnlm.interpolation import Ints

ROWS_A_SEGMENT = 16_384
_FITTED_A_DOCUMENT = 2_000

Text = Callable[[int], tuple[str, Sequence[Chunk]]]  # document id -> its text and all its chunks


@dataclass(frozen=True, slots=True)
class DatastoreShape:
    """How texts are read and keys kept (see DatastoreManifest), and how many states the projection is fitted on."""

    dimension: int = 256
    window: int = 1024
    context: int = 64
    fitted_on: int = 20_000


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a run did: documents and tokens read, and rows let go of."""

    documents: int
    tokens: int
    dropped: int


@dataclass(slots=True)
class _Batch:
    """Rows that wait to be written."""

    documents: list[tuple[int, int]] = field(default_factory=list)
    chunks: list[Ints] = field(default_factory=list)
    spans: list[Ints] = field(default_factory=list)
    parts: list[tuple[int, int, int]] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    keys: list[Keys] = field(default_factory=list)

    def begin(self, id_: int, document: Tokenised) -> None:
        """Note a document whose first rows follow."""
        self.documents.append((id_, len(document.ids)))
        chunk_ids, ranges = document.chunks[:, :1], document.chunks[:, 1:]
        self.chunks.append(np.hstack([chunk_ids, np.full_like(chunk_ids, id_), ranges]))
        self.spans.append(np.hstack([np.full((len(document.spans), 1), id_), document.spans]))

    def add(self, id_: int, place: int, tokens: Sequence[int], keys: Keys) -> None:
        """Add rows of a document."""
        self.parts.append((id_, place, len(tokens)))
        self.tokens += tokens
        self.keys.append(keys)

    def segment(self, dimension: int) -> Segment:
        """Return the rows as a segment."""
        return Segment(
            np.array(self.documents, np.int64).reshape(-1, 2),
            np.concatenate([np.empty((0, 4), np.int64), *self.chunks]),
            np.concatenate([np.empty((0, 3), np.int64), *self.spans]),
            np.array(self.parts, np.int64).reshape(-1, 3),
            np.array(self.tokens, np.uint32),
            np.concatenate([np.empty((0, dimension), np.float16), *self.keys]),
        )


class Builder:
    """Brings the datastore in `folder` to what the base holds; one process at a time, which a lock outside sees to."""

    def __init__(self, folder: Path, model: NextTokenModel, shape: DatastoreShape, text: Text) -> None:
        self._folder = folder
        self._model = model
        self._text = text
        window = min(shape.window, model.context_window - len(model.lead()) - 1)
        self._shape = replace(shape, window=window, context=min(shape.context, window // 4))

    def run(self, document_ids: Sequence[int], on_tokens: Callable[[int], None] = lambda _: None) -> BuildResult:
        """Add the documents that are not there yet and let go of others; `on_tokens` is told how many were read."""
        manifest = self._opened(document_ids)
        store = Datastore(self._folder, manifest)
        dropped = self._compact(store, set(document_ids))
        if dropped:
            store = Datastore(self._folder, _read(self._folder))
        before = len(store)
        missing = _unfinished(store, document_ids)
        batch = _Batch()
        for id_ in missing:
            document, place = tokenised(self._model, *self._text(id_)), store.stored(id_)
            if id_ not in store.lengths:
                batch.begin(id_, document)
            for part in states(self._model, document.ids, self._shape.window, self._shape.context, place):
                batch.add(id_, place, document.ids[place : place + len(part)], store.projection.keys(part))
                place += len(part)
                on_tokens(len(part))
                if len(batch.tokens) >= ROWS_A_SEGMENT:
                    self._write(batch)
                    batch = _Batch()
        self._write(batch)
        return BuildResult(len(missing), len(Datastore(self._folder, _read(self._folder))) - before, dropped)

    def _opened(self, document_ids: Sequence[int]) -> DatastoreManifest:
        """Return the manifest, made if there is none; raises ModelMismatch if another model made the store."""
        identity = self._model.identity()
        manifest = DatastoreManifest.read(self._folder)
        if manifest is None:
            remove(self._folder)
            projection = self._fitted(document_ids)
            write_projection(self._folder, projection)
            manifest = DatastoreManifest(identity, projection.dimension, self._shape.window, self._shape.context)
            manifest.write(self._folder)
        manifest.check(identity)
        self._shape = replace(self._shape, window=manifest.window, context=manifest.context)
        self._discard_unlisted(manifest)
        return manifest

    def _fitted(self, document_ids: Sequence[int]) -> Projection:
        found: list[Vectors] = []
        for id_ in document_ids:
            ids = tokenised(self._model, *self._text(id_)).ids[:_FITTED_A_DOCUMENT]
            found += states(self._model, ids, self._shape.window, self._shape.context)
            if sum(map(len, found)) >= self._shape.fitted_on:
                break
        nothing = np.zeros((1, self._model.identity().size), np.float32)
        return Projection.fitted(np.concatenate(found or [nothing]), self._shape.dimension)

    def _write(self, batch: _Batch) -> None:
        """Add a segment: it counts when the manifest lists it."""
        if batch.tokens or batch.documents:
            manifest = _read(self._folder)
            name = _next_name(manifest.segments)
            write_segment(self._folder / name, batch.segment(manifest.dimension))
            replace(manifest, segments=(*manifest.segments, name)).write(self._folder)

    def _compact(self, store: Datastore, live: set[int]) -> int:
        """Write the store again without documents that are gone, once they are over half; return the rows dropped."""
        gone = sum(store.stored(id_) for id_ in store.lengths if id_ not in live)
        if 2 * gone <= len(store):
            return 0
        names = list(store.manifest.segments)
        kept: list[str] = []
        for segment in store.segments():
            if len((remaining := _without(segment, live)).documents) or len(remaining.tokens):
                kept.append(_next_name([*names, *kept]))
                write_segment(self._folder / kept[-1], remaining)
        manifest = store.manifest.with_segments(tuple(kept))
        manifest.write(self._folder)
        self._discard_unlisted(manifest)
        return gone

    def _discard_unlisted(self, manifest: DatastoreManifest) -> None:
        """Remove files of a run that was stopped before the manifest listed them."""
        for path in [*self._folder.glob("*.seg"), *self._folder.glob("*.new")]:
            if path.name not in manifest.segments:
                path.unlink(missing_ok=True)


def _read(folder: Path) -> DatastoreManifest:
    manifest = DatastoreManifest.read(folder)
    if manifest is None:
        raise FileNotFoundError(folder)
    return manifest


def _unfinished(store: Datastore, document_ids: Sequence[int]) -> list[int]:
    """Return the documents of which the store lacks rows; what was begun goes on first."""
    missing = [id_ for id_ in document_ids if store.lengths.get(id_, -1) != store.stored(id_)]
    return sorted(missing, key=lambda id_: id_ not in store.lengths)


def _next_name(names: Sequence[str]) -> str:
    return f"{max((int(Path(name).stem) for name in names), default=0) + 1:06d}.seg"


def _without(segment: Segment, live: set[int]) -> Segment:
    """Return a segment with the rows of these documents only."""
    ids = list(live)
    owners = np.repeat(segment.parts[:, 0], segment.parts[:, 2])
    rows = np.isin(owners, ids)
    return Segment(
        segment.documents[np.isin(segment.documents[:, 0], ids)],
        segment.chunks[np.isin(segment.chunks[:, 1], ids)],
        segment.spans[np.isin(segment.spans[:, 0], ids)],
        segment.parts[np.isin(segment.parts[:, 0], ids)],
        segment.tokens[rows],
        segment.keys[rows],
    )
