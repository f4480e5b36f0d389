"""The container: what one home consists of, each part an attribute of its own."""

import shutil
from typing import TYPE_CHECKING

from kb_server.config.settings import Settings
from kb_server.runtime.once import made_once

if TYPE_CHECKING:  # each is imported when it is first asked for: importing all of them takes half a second
    from kb_server.access.keys import Keys
    from kb_server.answering.ask import AnsweringService
    from kb_server.bases.service import BaseService
    from kb_server.calibration.tune import Tuner
    from kb_server.catalog.catalog import Catalog
    from kb_server.config.models import Models
    from kb_server.core.domain import KnowledgeBase
    from kb_server.ingest.service import IngestService
    from kb_server.jobs.service import JobService
    from kb_server.knnlm.service import KnnLmService
    from kb_server.search.service import SearchService


class Application:
    """The parts of one home. Making it opens, loads and imports nothing; each part is made when it is first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @made_once
    def catalog(self) -> "Catalog":
        """The source of truth: the rows of each subject."""
        from kb_server.catalog.catalog import Catalog

        return Catalog(self.settings.catalog_url)

    @made_once
    def models(self) -> "Models":
        """Embedders, language models, the reranker. They need no catalog."""
        from kb_server.config.models import Models

        return Models(self.settings)

    @made_once
    def bases(self) -> "BaseService":
        """What is done with whole knowledge bases."""
        from kb_server.bases.service import BaseService

        return BaseService(self.settings, self.catalog, self.models)

    @made_once
    def search(self) -> "SearchService":
        """Finding passages."""
        from kb_server.search.service import SearchService

        return SearchService(self.settings, self.bases, self.models)

    @made_once
    def knn_lm(self) -> "KnnLmService":
        """kNN-LM datastores of bases."""
        from kb_server.knnlm.service import KnnLmService

        return KnnLmService(self.settings, self.bases, self.models)

    @made_once
    def answering(self) -> "AnsweringService":
        """Answering questions."""
        from kb_server.answering.ask import AnsweringService

        return AnsweringService(self.settings, self.models, self.search, self.knn_lm)

    @made_once
    def ingest(self) -> "IngestService":
        """Putting documents in."""
        from kb_server.ingest.service import IngestService

        return IngestService(self.settings, self.catalog, self.bases, self.models, self.tuner)

    @made_once
    def jobs(self) -> "JobService":
        """Long work, as those who ask for it see it."""
        from kb_server.jobs.service import JobService

        return JobService(self.catalog.jobs, self.ingest.uploads)

    @made_once
    def access(self) -> "Keys":
        """API keys: who calls, and what they may do."""
        from kb_server.access.keys import Keys

        return Keys(self.catalog.keys, self.catalog.bases, self.catalog.audit)

    def tuner(self, base: "str | KnowledgeBase") -> "Tuner":
        """Return what fits a base's settings to its own text."""
        from kb_server.calibration.tune import Tuner

        opened = self.bases.open(base)
        return Tuner(opened, self.catalog.bases, self.models.embedder_of(opened.base), self.models.reranker)

    def free_disk(self) -> int:
        """Return the bytes that are free where the data lies."""
        return shutil.disk_usage(self.settings.home).free

    def close(self) -> None:
        """End worker processes; close bases and the catalog."""
        for part in ("ingest", "bases", "catalog"):
            if part in self.__dict__:
                getattr(self, part).close()
