"""One knowledge base with its parts open: catalog rows, vectors, words and originals, kept in step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from filelock import FileLock, Timeout

from kb_server.bases.files import BaseFiles
from kb_server.bases.quotas import note_sizes
from kb_server.catalog.chunks import Chunks
from kb_server.catalog.documents import Documents
from kb_server.catalog.pending import Pending
from kb_server.catalog.removal import Removed
from kb_server.core.domain import KnowledgeBase, StoredDocument
from kb_server.core.errors import Busy
from kb_server.core.ports import Embedder, LexicalIndex, Vectors, VectorStore
from vectorstores.log.kept import KeptVectors

_EMBEDDED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class OpenBase:
    """A knowledge base that can be read and written.

    The catalog decides what is true. `index` and `catch_up` may be repeated at any point: whatever a crash left behind,
    the stores end up holding exactly the chunks of indexed documents, and nothing that has a vector is embedded again.
    """

    base: KnowledgeBase
    documents: Documents
    store: VectorStore
    lexical: LexicalIndex
    kept: KeptVectors
    files: BaseFiles

    @property
    def chunks(self) -> Chunks:
        """The rows of its chunks."""
        return self.documents.chunks

    def sized(self, found: Collection[StoredDocument]) -> list[StoredDocument]:
        """Return documents with the sizes of their files, also those that an older version wrote."""
        unsized = {one.id: one.file for one in found if one.size is None and one.file}
        sizes = note_sizes(self.documents, self.files, unsized) if unsized else {}
        return [replace(one, size=sizes.get(one.id, one.size)) for one in found]

    @contextmanager
    def writing(self, wait_seconds: float = 10.0) -> Iterator[None]:
        """Hold the base's write lock, one process at a time; raises Busy when another keeps it for too long."""
        self.files.make()
        lock = FileLock(self.files.write_lock)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout as error:
            raise Busy(
                f"Another process is writing to the knowledge base '{self.base.name}'.",
                "Wait until it is done and run the same command again.",
            ) from error
        try:
            yield
        finally:
            self.lexical.close()  # its writer has a lock of its own, which would keep other processes from writing
            lock.release()

    def index(
        self,
        pending: Collection[Pending],
        embedder: Embedder,
        held: Collection[int] = (),
    ) -> None:
        """Embed what is not `held` yet, make both indexes durable, and only then make the documents searchable."""
        todo = _texts(pending)
        self._embed([pair for pair in todo if pair[0] not in held], embedder)
        self.lexical.add([id_ for id_, _ in todo], [text for _, text in todo])
        self.publish([item.document_id for item in pending])

    def catch_up(self, embedder: Embedder) -> None:
        """Finish what an interrupted run began, and bring the stores to what the catalog says."""
        pending = self.documents.pending()
        expected = set(self.chunks.vector_ids())
        if pending or len(self.store) != len(expected) or len(self.lexical) != len(expected):
            unfinished = {id_ for item in pending for id_ in item.vector_ids}
            self._mend(expected, expected | unfinished, embedder)
            self.index(pending, embedder, held=self.store.ids())
        self.files.discard(self.files.names() - self.documents.files())

    def fill_words(self) -> None:
        """Fill a word index that is new, as after an upgrade; a process that is writing meanwhile does it itself."""
        if len(self.lexical) or not (ids := self.chunks.vector_ids()):
            return
        with suppress(Busy), self.writing(0.0):
            chunks = self.chunks.by_vector(ids)
            self.lexical.add(ids, [chunks[id_].searchable for id_ in ids])
            self.lexical.flush()

    def purge(self, removed: Removed) -> None:
        """Take out of the stores what the catalog has let go of already."""
        self.withdraw(removed.vector_ids)
        self.files.discard(removed.files)

    def withdraw(self, vector_ids: Collection[int]) -> None:
        """Take ids out of the stores; the vectors of those that snapshots need are saved before."""
        if not vector_ids:
            return
        if there := sorted(self.chunks.kept(vector_ids) & self.store.ids()):
            self.kept.keep(there, self.store.vectors(there))
        self.store.delete(vector_ids)
        self.lexical.delete(vector_ids)
        self._flush()

    def take_in(self, pending: Pending, vectors: Vectors) -> None:
        """Add a document whose vectors are known: float32 [chunks, dimension]."""
        self.store.add(pending.vector_ids, vectors)
        self.lexical.add(pending.vector_ids, pending.texts)

    def publish(self, document_ids: Collection[int]) -> None:
        """Make durable what was taken in, and only then searchable."""
        self._flush()
        self.purge(self.documents.commit(document_ids))

    def discard(self, forgotten: Removed) -> None:
        """Remove what was kept for snapshots that are gone; the indexes have let go of it long ago."""
        self.kept.forget(forgotten.vector_ids)
        self.files.discard(forgotten.files)

    def bring_back(self, returning: Collection[Pending], embedder: Callable[[], Embedder]) -> None:
        """Put what snapshots kept into the stores again; embedded is only what was made by another embedder."""
        todo = _texts(returning)
        found, vectors = self.kept.among([id_ for id_, _ in todo])
        self.store.add(found, vectors)
        held = set(found) | self.store.ids()
        if missing := [pair for pair in todo if pair[0] not in held]:
            self._embed(missing, embedder())
        self.lexical.add([id_ for id_, _ in todo], [text for _, text in todo])
        self._flush()

    def destroy(self) -> None:
        """Remove vectors and words, wherever they are kept, and close; a server that is away keeps its collections."""
        try:
            self.store.destroy()
        finally:
            self.lexical.destroy()

    def close(self) -> None:
        """Let go of the stores' files."""
        self.store.close()
        self.lexical.close()

    def _mend(self, expected: set[int], wanted: set[int], embedder: Embedder) -> None:
        vectors, words = self.store.ids(), self.lexical.ids()
        self.withdraw((vectors | words) - wanted)
        chunks = self.chunks.by_vector(sorted((expected - vectors) | (expected - words)))
        vectorless = [(id_, chunks[id_].searchable) for id_ in sorted(expected - vectors)]
        self._embed(vectorless, embedder)
        wordless = sorted(expected - words)
        self.lexical.add(wordless, [chunks[id_].searchable for id_ in wordless])
        self._flush()

    def _embed(self, todo: list[tuple[int, str]], embedder: Embedder) -> None:
        for start in range(0, len(todo), _EMBEDDED_AT_ONCE):
            part = todo[start : start + _EMBEDDED_AT_ONCE]
            self.store.add([id_ for id_, _ in part], embedder.embed_passages([text for _, text in part]))

    def _flush(self) -> None:
        self.store.flush()
        self.lexical.flush()


def _texts(pending: Collection[Pending]) -> list[tuple[int, str]]:
    """Return (vector id, text) of every chunk of these documents."""
    return [pair for item in pending for pair in zip(item.vector_ids, item.texts, strict=True)]
