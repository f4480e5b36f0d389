"""What is done with whole knowledge bases: made, found, listed, changed, moved elsewhere, and taken along."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kb_server.bases.files import BaseFiles
from kb_server.bases.names import check_name, checked_description
from kb_server.bases.pool import BasePool
from kb_server.catalog.catalog import Catalog
from kb_server.config.registry import describe_store, find_backend
from kb_server.config.settings import Settings
from kb_server.core.domain import KnowledgeBase, StoredDocument
from kb_server.core.ports import Embedder, LexicalIndex, VectorStore
from kb_server.runtime.once import made_once

if TYPE_CHECKING:  # imported where they are used: lists of bases wait for neither numpy nor the word index
    from kb_server.bases.edits import ChunkEdits, Tagger
    from kb_server.bases.export.exporter import Exporter
    from kb_server.bases.migrate import OnMoved
    from kb_server.bases.open_base import OpenBase
    from kb_server.bases.quotas import Quota
    from kb_server.bases.snapshots import SnapshotService


@dataclass(frozen=True, slots=True)
class BaseSummary:
    """A knowledge base and how much of it is searchable."""

    base: KnowledgeBase
    documents: int
    chunks: int


class Embedders(Protocol):
    """The embedders that bases name."""

    def embedder(self, name: str) -> Embedder:
        """Return the embedder of this name."""
        ...

    def embedder_of(self, base: KnowledgeBase) -> Embedder:
        """Return the embedder a base was made with; raises ModelMismatch if it would give other vectors now."""
        ...


class BaseService:
    """The knowledge bases of one home. Bases are named by people, and found by exactly that name."""

    def __init__(self, settings: Settings, catalog: Catalog, embedders: Embedders) -> None:
        self._settings = settings
        self._catalog = catalog
        self._embedders = embedders
        self._rows = catalog.bases
        once = settings.cleaning.near_duplicates
        self.pool = BasePool(catalog.database, settings.home, self._open_store, self._open_words, once=once)

    def find(self, name: str) -> KnowledgeBase:
        """Return the base of exactly this name; raises NotFound."""
        return self._rows.find(name)

    def all(self) -> list[KnowledgeBase]:
        """Return every base by name."""
        return self._rows.all()

    def summaries(self) -> list[BaseSummary]:
        """Return every base by name, with how much of it is searchable."""
        sizes = self._rows.sizes()
        return [BaseSummary(base, *sizes.get(base.id, (0, 0))) for base in self._rows.all()]

    def summary(self, base: KnowledgeBase) -> BaseSummary:
        """Return how much of a base is searchable."""
        return BaseSummary(base, *self._rows.sizes().get(base.id, (0, 0)))

    def open(self, base: str | KnowledgeBase) -> "OpenBase":
        """Return a base with its parts open; a row that was just read is not read again."""
        return self.pool.open(self.find(base) if isinstance(base, str) else base)

    def create(
        self,
        name: str,
        store: str | None = None,
        embedder: str | None = None,
        splitting: Mapping[str, Any] | None = None,
        description: str = "",
    ) -> KnowledgeBase:
        """Make an empty base with the given or the configured store and embedder, and perhaps its own way of cutting.

        Raises InvalidName, AlreadyExists, or InvalidSetting for a store that there is not.
        """
        check_name(name)
        own = self._settings.splitting.splitting(splitting) if splitting else None
        store = store or self._settings.store.backend
        find_backend("store", store)
        model = embedder or self._settings.embedding.model
        made, text = self._embedders.embedder(model), checked_description(description)
        base = self._rows.create(name, store, model, made.fingerprint, made.dimension, own, text)
        self.pool.open(base)
        return base

    def describe(self, base: KnowledgeBase, text: str) -> KnowledgeBase:
        """Say what a base is about; the empty text takes back what was said."""
        described = replace(base, description=checked_description(text))
        self._rows.describe(base.id, described.description)
        return described

    def delete(self, name: str) -> None:
        """Remove a base with all its documents; raises NotFound, or Busy while something writes to it."""
        opened = self.open(name)
        with opened.writing():
            self._rows.delete(opened.base.id)
        try:
            opened.destroy()
        finally:  # a server that is away keeps its collection, and nothing else stays behind
            self.pool.drop(opened.base.id)
            opened.files.delete()

    def documents(self, name: str) -> list[StoredDocument]:
        """Return a base's documents by name, in whatever state."""
        return self.open(name).documents.all()

    def page(
        self, base: KnowledgeBase, limit: int, offset: int, name: str | None = None
    ) -> tuple[list[StoredDocument], int]:
        """Return some of a base's documents by name, and how many there are; with `name` those of this name."""
        opened = self.open(base)
        return opened.sized(opened.documents.page(limit, offset, name)), opened.documents.count(name)

    def document(self, base: KnowledgeBase, id_: int) -> StoredDocument:
        """Return one document; raises NotFound."""
        opened = self.open(base)
        (found,) = opened.sized([opened.documents.find(id_)])
        return found

    def remove(self, name: str, documents: Collection[str]) -> None:
        """Remove documents, all or none; they are not found from the moment this returns. Raises NotFound."""
        opened = self.open(name)
        with opened.writing():
            opened.purge(opened.documents.remove(documents))

    def index(self, base: KnowledgeBase) -> dict[str, Any]:
        """Say which index a base has, its parameters and its measured recall, without opening it."""
        options = self._settings.store.options(base.store)
        return {"dimension": base.dimension, **describe_store(base.store, self.pool.folder(base), options)}

    def files(self, base: KnowledgeBase) -> BaseFiles:
        """Return the folder of a base."""
        return BaseFiles(self._settings.home, base.id)

    def original(self, base: KnowledgeBase, document: StoredDocument) -> Path | None:
        """Return where a document's bytes lie, None if they are not kept."""
        return self.files(base).original(document.file) if document.file else None

    def quota(self, base: KnowledgeBase) -> "Quota":
        """Return what is left of a base's quotas."""
        from kb_server.bases.quotas import Quota

        options = self._settings.service
        size = None if options.base_megabytes is None else options.base_megabytes << 20
        return Quota(self._catalog.documents(base), self.files(base), options.base_documents, size)

    @made_once
    def tags(self) -> "Tagger":
        """Putting tags on documents."""
        from kb_server.bases.edits import Tagger

        return Tagger(self._rows, self.pool)

    @made_once
    def snapshots(self) -> "SnapshotService":
        """Naming, comparing and restoring what a base holds."""
        from kb_server.bases.snapshots import SnapshotService

        return SnapshotService(self._rows, self.pool, self._embedders.embedder_of)

    @made_once
    def exporter(self) -> "Exporter":
        """Writing a base into a file."""
        from kb_server.bases.export.exporter import Exporter

        return Exporter(self._rows, self.pool)

    def chunk_edits(self, base: KnowledgeBase) -> "ChunkEdits":
        """Return what takes single chunks out of search, rewords them, and undoes that."""
        from kb_server.bases.edits import ChunkEdits

        return ChunkEdits(self.open(base), self._embedders.embedder_of(base))

    def import_file(self, file: Path, name: str | None = None, store: str | None = None) -> KnowledgeBase:
        """Make a base from an exported file."""
        from kb_server.bases.export.importer import Importer

        if store:
            find_backend("store", store)
        return Importer(self._rows, self.pool).run(file, name, store)

    def migrate(self, name: str, store: str, on_moved: "OnMoved") -> KnowledgeBase:
        """Move a base's vectors to another store."""
        from kb_server.bases.migrate import Migrator

        find_backend("store", store)
        return Migrator(self._rows, self.pool).migrate(name, store, on_moved)

    def reindex(self, name: str, model: str, on_moved: "OnMoved") -> KnowledgeBase:
        """Embed a base with another model."""
        from kb_server.bases.migrate import Migrator

        self.find(name)  # before a model is loaded in vain
        return Migrator(self._rows, self.pool).reindex(name, model, self._embedders.embedder(model), on_moved)

    def close(self) -> None:
        """Close every base that is open."""
        self.pool.close()

    def _open_store(self, backend: str, folder: Path, dimension: int) -> VectorStore:
        options = self._settings.store.options(backend)
        made: VectorStore = find_backend("store", backend)(folder=folder, dimension=dimension, **options)
        return made

    def _open_words(self, folder: Path) -> LexicalIndex:
        words = self._settings.store.words
        made: LexicalIndex = find_backend("words", words)(folder=folder, **self._settings.store.word_options())
        return made
