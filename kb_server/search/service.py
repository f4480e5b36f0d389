"""Searching the knowledge bases of one home: a base is made ready once for each question, and handed on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kb_server.bases.open_base import OpenBase
from kb_server.bases.service import BaseService
from kb_server.config.models import Models
from kb_server.config.settings import Settings
from kb_server.core.domain import Calibration, Filter, KnowledgeBase, SearchMode
from kb_server.core.ports import Embedder
from kb_server.search.calibration import untuned
from kb_server.search.explain import Explainer, ExplainLimits
from kb_server.search.hybrid import HybridRetriever, Reranking, Retrieval
from kb_server.search.several import search_bases


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyBase:
    """A base as one question finds it: its row, its open parts, how it is calibrated, and what finds its passages."""

    opened: OpenBase
    embedder: Embedder
    calibration: Calibration
    retriever: HybridRetriever

    @property
    def base(self) -> KnowledgeBase:
        """The row that was read."""
        return self.opened.base

    @property
    def chunks(self) -> int:
        """How many chunks can be found."""
        return len(self.opened.lexical)


class SearchService:
    """Finds passages in one base or several, and says why one is found or not."""

    def __init__(self, settings: Settings, bases: BaseService, models: Models) -> None:
        self._settings = settings
        self._bases = bases
        self._models = models

    def ready(self, base: str | KnowledgeBase) -> ReadyBase:
        """Open a base for one question; a row that was just read is not read again."""
        opened = self._bases.open(base)
        embedder, calibration = self._models.embedder_of(opened.base), self.calibration(opened)
        parts = (embedder, opened.store, opened.lexical, opened.chunks, opened.base.fusion)
        retriever = HybridRetriever(*parts, self._reranking(calibration))
        return ReadyBase(opened=opened, embedder=embedder, calibration=calibration, retriever=retriever)

    def retriever(self, base: str | KnowledgeBase) -> HybridRetriever:
        """Return what finds the passages of a base."""
        return self.ready(base).retriever

    def search(
        self,
        question: str,
        bases: Sequence[str | KnowledgeBase],
        k: int | None = None,
        filters: Filter | None = None,
        mode: SearchMode = SearchMode.HYBRID,
    ) -> Retrieval:
        """Return the best k passages of all these bases in one ranking; without k, as many as the settings say."""
        ready = [self.ready(base) for base in bases]
        searchers = {one.base.name: one.retriever for one in ready}
        return search_bases(searchers, question, k or self._settings.retrieval.k, filters, mode)

    def explainer(self, base: str | KnowledgeBase, k: int | None = None) -> Explainer:
        """Return what says why a passage of a base was found or not."""
        ready, threshold = self.ready(base), self._settings.answering.threshold
        limits = ExplainLimits(k or self._settings.retrieval.k, threshold, ready.calibration.passages)
        return Explainer(ready.retriever, ready.opened.chunks, limits)

    def calibration(self, opened: OpenBase, chunks: int | None = None) -> Calibration:
        """Return how a base is asked: settings that are given, else what was tuned, else what suits its size.

        `chunks` is how many it is asked together with, its own included.
        """
        size = len(opened.lexical) if chunks is None else chunks
        tuned, answering = opened.base.calibration or untuned(size), self._settings.answering
        bound = tuned.refuse_below if answering.refuse_below is None else answering.refuse_below
        return replace(tuned, refuse_below=bound, passages=answering.passages or tuned.passages)

    def _reranking(self, calibration: Calibration) -> Reranking | None:
        depth = self._settings.reranking.depth or calibration.rerank_depth
        return Reranking(self._models.reranker, depth) if self._models.reranker else None
