"""Why a passage was found or not: its place at every stage, and the limits it passed or fell at."""

from dataclasses import dataclass

from kb_server.core.domain import Chunk, Filter, SearchMode
from kb_server.core.errors import NotFound
from kb_server.core.ports import ChunkSource
from kb_server.search.hybrid import HybridRetriever
from kb_server.search.ranks import StageRank


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition on the way into an answer: `results` (rank at most k), `threshold` (score at least), `passages`."""

    name: str
    value: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A chunk, where it stands at each stage that was asked, and the limits in the order they apply."""

    chunk: Chunk
    standings: tuple[StageRank, ...]
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class ExplainLimits:
    """What a search returns and an answer uses; see RetrievalSettings.k and AnsweringSettings."""

    results: int
    threshold: float
    passages: int


class Explainer:
    """Explains the search of one knowledge base."""

    def __init__(self, retriever: HybridRetriever, source: ChunkSource, limits: ExplainLimits) -> None:
        self._retriever = retriever
        self._source = source
        self._limits = limits

    def explain(
        self, question: str, chunk_id: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> Explanation:
        """Follow one chunk through the search; raises NotFound if the base has no such chunk in an indexed document.

        One of several with the same words is found as the first of them, which is then explained.
        """
        vector_id = self._source.vector_ids_of([chunk_id]).get(chunk_id, 0)
        chunk = self._source.by_vector([vector_id]).get(vector_id)
        if chunk is None:
            raise NotFound(
                f"There is no chunk {chunk_id} in this knowledge base.", "Take the number behind # in: kb search NAME …"
            )
        standings = tuple(self._retriever.explain(question, vector_id, filters, mode))
        return Explanation(chunk, standings, self._judge(standings[-1]))

    def _judge(self, final: StageRank) -> tuple[Limit, ...]:
        rank = final.rank or float("inf")
        relevant = (final.score or 0.0) >= self._limits.threshold
        return (
            Limit("results", self._limits.results, rank <= self._limits.results),
            Limit("threshold", self._limits.threshold, relevant),
            Limit("passages", self._limits.passages, relevant and rank <= self._limits.passages),
        )
