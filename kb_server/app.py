"""Wiring: from settings to the use cases. Everything heavy is made at first use and kept."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from kb_server.access.keys import Keys
from kb_server.answerers import Answerers
from kb_server.bases.chunk_edits import ChunkEdits
from kb_server.bases.export.exporter import Exporter
from kb_server.bases.export.importer import Importer
from kb_server.bases.files import BaseFiles
from kb_server.bases.knowledge_bases import check_name
from kb_server.bases.migrate import Migrator, OnMoved
from kb_server.bases.open_base import OpenBase
from kb_server.bases.quotas import Quota
from kb_server.bases.snapshots import SnapshotService
from kb_server.bases.tags import Tagger
from kb_server.calibration.tune import Tuner
from kb_server.catalog.bases import TemporaryBases
from kb_server.catalog.conversations import Conversations
from kb_server.catalog.evaluation_cases import EvaluationCases
from kb_server.catalog.jobs import JobKind, Jobs
from kb_server.catalog.kept_files import KeptFiles
from kb_server.catalog.keys import ApiKeys, Audit
from kb_server.config.folder_splitting import FolderSplitters
from kb_server.config.registry import find_backend
from kb_server.config.sections import SplittingSettings
from kb_server.core.domain import KnowledgeBase, Splitting, StoredDocument
from kb_server.core.errors import KbError
from kb_server.ingest.ahead import Load
from kb_server.ingest.kept_files import KeptFileService
from kb_server.ingest.pipeline import Bulk, Ingestion, SplitterFor
from kb_server.ingest.recut import OnDone, RecutReport, Recutter
from kb_server.ingest.uploads import UploadFolder
from kb_server.ingest.web.crawler import Crawler
from kb_server.ingest.web.fetcher import Fetcher, FetchLimits
from kb_server.jobs.file_works import FetchWork, IngestWork
from kb_server.jobs.runner import JobRunner, Work
from kb_server.jobs.service import JobService
from loaders import unpack
from loaders.clean.cleaner import Cleaner
from loaders.isolate.loader import IsolatedLoader
from loaders.isolate.loader import ReadLimits as ReadingLimits
from loaders.kind import detect
from loaders.pdf.page_picture import PagePictures
from loaders.split.by_settings import make_splitter


class Application(Answerers):
    """The use cases of one home, with its catalog and models."""

    @cached_property
    def audit(self) -> Audit:
        """Who changed what through the service."""
        return Audit(self._database)

    @cached_property
    def keys(self) -> Keys:
        """API keys."""
        return Keys(ApiKeys(self._database), self.bases, self.audit)

    @cached_property
    def uploads(self) -> UploadFolder:
        """Files on their way in; what they are, their content decides."""
        return UploadFolder(self.settings.home, detect)

    @cached_property
    def jobs(self) -> JobService:
        """Jobs as those who ask for them see them."""
        return JobService(Jobs(self._database), self.uploads)

    def job_runner(self, works: Mapping[JobKind, Work], told: Callable[[KbError], str] = str) -> JobRunner:
        """Return what does jobs; `told` says what their owners may read of an error."""
        return JobRunner(Jobs(self._database), self.uploads, works, told)

    def room(self, base: str | KnowledgeBase) -> Quota:
        """Return what is left of a base's quotas."""
        found = self.bases.find(base) if isinstance(base, str) else base
        options = self.settings.service
        size = None if options.base_megabytes is None else options.base_megabytes << 20
        return Quota(self.documents(found), self.base_files(found), options.base_documents, size)

    @property
    def file_works(self) -> dict[JobKind, Work]:
        """What does the jobs that are made of files."""
        rows = Jobs(self._database)
        ingest = IngestWork(rows, self.uploads, self.ingestion)
        fetch = FetchWork(rows, self.uploads, self.ingestion, lambda: self.crawler, self.room)
        return {JobKind.INGEST: ingest, JobKind.FETCH: fetch}

    @cached_property
    def conversations(self) -> Conversations:
        """Conversations that are kept."""
        return Conversations(self._database)

    @cached_property
    def temporary(self) -> TemporaryBases:
        """Bases that are one person's uploaded files."""
        return TemporaryBases(self._database)

    @cached_property
    def kept_files(self) -> KeptFileService:
        """Files that clients keep here."""
        quota = self.settings.service.kept_megabytes << 20
        return KeptFileService(KeptFiles(self._database), self.settings.home, quota)

    def evaluation_cases(self, base: KnowledgeBase) -> EvaluationCases:
        """Return the questions that a base is evaluated with."""
        return EvaluationCases(self._database, base.id)

    def base_files(self, base: KnowledgeBase) -> BaseFiles:
        """Return the folder of a base."""
        return BaseFiles(self.settings.home, base.id)

    def original(self, base: KnowledgeBase, document: StoredDocument) -> Path | None:
        """Return where a document's bytes lie, None if they are not kept."""
        return self._shelf.open(base).files.original(document.file) if document.file else None

    def original_sizes(self, base: KnowledgeBase) -> dict[str, int]:
        """Return how many bytes each kept original has, by its generated name."""
        return self._shelf.open(base).files.sizes()

    @cached_property
    def tagging(self) -> Tagger:
        """Putting tags on documents."""
        return Tagger(self.bases, self._shelf)

    @cached_property
    def snapshots(self) -> SnapshotService:
        """Naming, comparing and restoring what a base holds."""
        return SnapshotService(self.bases, self._shelf, self._embedder_of)

    @cached_property
    def exporting(self) -> Exporter:
        """Writing a base into a file."""
        return Exporter(self.bases, self._shelf)

    def import_base(self, file: Path, name: str | None = None, store: str | None = None) -> KnowledgeBase:
        """Make a base from an exported file."""
        if store:
            find_backend("store", store)
        return Importer(self.bases, self._shelf).run(file, name, store)

    def migrate(self, name: str, store: str, on_moved: OnMoved) -> KnowledgeBase:
        """Move a base's vectors to another store."""
        find_backend("store", store)
        return Migrator(self.bases, self._shelf).migrate(name, store, on_moved)

    def reindex(self, name: str, model: str, on_moved: OnMoved) -> KnowledgeBase:
        """Embed a base with another model."""
        self.bases.find(name)
        return Migrator(self.bases, self._shelf).reindex(name, model, self.embedder(model), on_moved)

    def recut(self, name: str, change: Mapping[str, Any], *, drop_edits: bool, on_done: OnDone) -> RecutReport:
        """Cut a base's documents anew; `change` has what is to be otherwise than now."""
        opened = self._open(name)
        splitting = self.splitting(opened.base, change)
        ingestion = self._ingestion(opened, lambda _: make_splitter(splitting))
        return Recutter(opened, self.bases, ingestion).run(splitting, drop_edits=drop_edits, on_done=on_done)

    def splitting(self, base: KnowledgeBase, change: Mapping[str, Any] | None = None) -> Splitting:
        """Return how a base cuts documents, perhaps with a change; raises InvalidSetting for one that cannot be."""
        if base.splitting is None:
            return self.settings.splitting.splitting(change)
        return SplittingSettings(**asdict(base.splitting)).splitting(change)

    def create(
        self,
        name: str,
        store: str | None = None,
        embedding_model: str | None = None,
        splitting: Mapping[str, Any] | None = None,
        description: str = "",
    ) -> KnowledgeBase:
        """Make a base with the given or the configured store and embedder, and perhaps its own way of splitting."""
        check_name(name)
        own = self.settings.splitting.splitting(splitting) if splitting else None
        store = store or self.settings.store.backend
        find_backend("store", store)
        model = embedding_model or self.settings.embedding.model
        return self.knowledge_bases.create(name, store, model, self.embedder(model), own, description)

    @property
    def load(self) -> Load:
        """What reads files, in processes of their own."""
        return self._loader.load

    def ingestion(self, name: str, bulk: Bulk | None = None) -> Ingestion:
        """Return the use case that puts files into a base; `bulk` reads and embeds in the place of this process."""
        opened = self._open(name)
        return self._ingestion(opened, FolderSplitters(self.splitting(opened.base)).of, bulk)

    def _ingestion(self, opened: OpenBase, splitter_for: SplitterFor, bulk: Bulk | None = None) -> Ingestion:
        embedder, workers = self._embedder_of(opened.base), self.settings.loading.workers
        if bulk:
            embedder, workers = bulk.embedder(embedder, opened.base.embedder), bulk.processors
        cleaning = self.settings.cleaning
        cleaner = Cleaner(cleaning.boilerplate, cleaning.low_quality, cleaning.redact)
        load: Load = bulk.load if bulk else self.load
        retune = lambda: self.tuning(opened.base.name).refresh()  # noqa: E731
        opener = partial(unpack, passwords=self._passwords)
        return Ingestion(opened, self.bases, embedder, splitter_for, load, cleaner, opener, workers, retune)

    @cached_property
    def page_pictures(self) -> PagePictures:
        """What draws pages of PDF files."""
        return PagePictures(self._reading_limits, self._passwords)

    @cached_property
    def crawler(self) -> Crawler:
        """What fetches pages from the web."""
        web = self.settings.web
        return Crawler(Fetcher(FetchLimits(web.seconds, web.megabytes, web.redirects)), web.pages)

    def tuning(self, name: str) -> Tuner:
        """Return the use case that fits a base's settings to its own text."""
        opened = self._open(name)
        return Tuner(opened, self.bases, self._embedder_of(opened.base), self.reranker)

    def chunk_care(self, name: str) -> ChunkEdits:
        """Return the use case that takes single chunks out of search and puts them back."""
        opened = self._open(name)
        return ChunkEdits(opened, self._embedder_of(opened.base))

    def free_disk(self) -> int:
        """Return the bytes that are free where the data lies."""
        return shutil.disk_usage(self.settings.home).free

    def close(self) -> None:
        """End worker processes; close bases and the catalog."""
        if "_loader" in self.__dict__:
            self._loader.close()
        if "page_pictures" in self.__dict__:
            self.page_pictures.close()
        super().close()

    @cached_property
    def _loader(self) -> IsolatedLoader:
        options = {"pictures": self.settings.loading.pictures, "passwords": self._passwords}
        return IsolatedLoader(self._reading_limits, options=options)

    @property
    def _passwords(self) -> list[str]:
        return [password.get_secret_value() for password in self.settings.loading.passwords]

    @property
    def _reading_limits(self) -> ReadingLimits:
        return ReadingLimits(self.settings.loading.seconds, self.settings.loading.memory_mb)
