"""Putting documents into the knowledge bases of one home: what reads, cuts, embeds and writes them, as settings say."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from kb_server.bases.open_base import OpenBase
from kb_server.bases.service import BaseService
from kb_server.calibration.tune import Tuner
from kb_server.catalog.catalog import Catalog
from kb_server.config.models import Models
from kb_server.config.sections import SplittingSettings
from kb_server.config.settings import FOLDER_FILE, Settings, read_folder_splitting
from kb_server.core.domain import KnowledgeBase, Splitting
from kb_server.core.ports import Splitter
from kb_server.ingest.ahead import Load
from kb_server.ingest.kept_files import KeptFileService
from kb_server.ingest.pipeline import Bulk, Ingestion, SplitterFor
from kb_server.ingest.recut import OnDone, RecutReport, Recutter
from kb_server.ingest.sources import SourceFile
from kb_server.ingest.uploads import UploadFolder
from kb_server.ingest.web.crawler import Crawler
from kb_server.ingest.web.fetcher import Fetcher, FetchLimits
from kb_server.runtime.once import made_once
from loaders import unpack
from loaders.clean.cleaner import Cleaner
from loaders.isolate.loader import IsolatedLoader, ReadLimits
from loaders.kind import detect
from loaders.pdf.page_picture import PagePictures
from loaders.split.by_settings import make_splitter


class FolderSplitters:
    """Splitters by folder, each read once; a subfolder's file changes single keys of the one above it."""

    def __init__(self, splitting: Splitting) -> None:
        self._base = splitting
        self._known: dict[tuple[Path, Path], Splitting] = {}  # by folder and the one that was asked for

    def of(self, source: SourceFile) -> Splitter:
        """Return the splitter of a file; raises InvalidSetting or UnknownSetting naming the folder's file."""
        return make_splitter(self._base if source.root is None else self._within(source.path.parent, source.root))

    def _within(self, folder: Path, root: Path) -> Splitting:
        if (folder, root) not in self._known:
            above = self._base if folder == root else self._within(folder.parent, root)
            values = read_folder_splitting(folder)
            origin = str(folder / FOLDER_FILE)
            self._known[folder, root] = (
                above if values is None else SplittingSettings(**asdict(above)).splitting(values, origin)
            )
        return self._known[folder, root]


class IngestService:
    """Reads, cuts, embeds and writes documents; `tuner` fits a base's settings again when it has grown."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        bases: BaseService,
        models: Models,
        tuner: Callable[[KnowledgeBase], Tuner],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._bases = bases
        self._models = models
        self._tuner = tuner

    def pipeline(self, base: str | KnowledgeBase, bulk: Bulk | None = None) -> Ingestion:
        """Return what puts files into a base; `bulk` reads and embeds in the place of this process."""
        opened = self._bases.open(base)
        return self._pipeline(opened, FolderSplitters(self.splitting(opened.base)).of, bulk)

    def recut(self, name: str, change: Mapping[str, Any], *, drop_edits: bool, on_done: OnDone) -> RecutReport:
        """Cut a base's documents again; `change` has what is to be otherwise than now."""
        opened = self._bases.open(name)
        splitting = self.splitting(opened.base, change)
        pipeline = self._pipeline(opened, lambda _: make_splitter(splitting))
        recutter = Recutter(opened, self._catalog.bases, pipeline)
        return recutter.run(splitting, drop_edits=drop_edits, on_done=on_done)

    def splitting(self, base: KnowledgeBase, change: Mapping[str, Any] | None = None) -> Splitting:
        """Return how a base cuts documents, perhaps with a change; raises InvalidSetting for one that cannot be."""
        if base.splitting is None:
            return self._settings.splitting.splitting(change)
        return SplittingSettings(**asdict(base.splitting)).splitting(change)

    @property
    def load(self) -> Load:
        """What reads files, in processes of their own."""
        return self._loader.load

    @made_once
    def uploads(self) -> UploadFolder:
        """Files on their way in; what they are, their content decides."""
        return UploadFolder(self._settings.home, detect)

    @made_once
    def kept_files(self) -> KeptFileService:
        """Files that clients keep here without ingesting them."""
        quota = self._settings.service.kept_megabytes << 20
        return KeptFileService(self._catalog.kept_files, self._settings.home, quota)

    @made_once
    def page_pictures(self) -> PagePictures:
        """What draws pages of PDF files."""
        return PagePictures(self._limits, self._passwords)

    @made_once
    def crawler(self) -> Crawler:
        """What fetches pages from the web."""
        web = self._settings.web
        return Crawler(Fetcher(FetchLimits(web.seconds, web.megabytes, web.redirects)), web.pages)

    def close(self) -> None:
        """End worker processes."""
        for part in ("_loader", "page_pictures"):
            if part in self.__dict__:
                getattr(self, part).close()

    def _pipeline(self, opened: OpenBase, splitter_for: SplitterFor, bulk: Bulk | None = None) -> Ingestion:
        embedder, workers = self._models.embedder_of(opened.base), self._settings.loading.workers
        if bulk:
            embedder, workers = bulk.embedder(embedder, opened.base.embedder), bulk.processors
        cleaning = self._settings.cleaning
        cleaner = Cleaner(cleaning.boilerplate, cleaning.low_quality, cleaning.redact)
        load: Load = bulk.load if bulk else self.load
        opener = partial(unpack, passwords=self._passwords)

        def retune() -> None:
            self._tuner(self._bases.find(opened.base.name)).refresh()

        rows = self._catalog.bases
        return Ingestion(opened, rows, embedder, splitter_for, load, cleaner, opener, workers, retune)

    @made_once
    def _loader(self) -> IsolatedLoader:
        options = {"pictures": self._settings.loading.pictures, "passwords": self._passwords}
        return IsolatedLoader(self._limits, options=options)

    @property
    def _passwords(self) -> list[str]:
        return [password.get_secret_value() for password in self._settings.loading.passwords]

    @property
    def _limits(self) -> ReadLimits:
        return ReadLimits(self._settings.loading.seconds, self._settings.loading.memory_mb)
