"""Asking both indexes and mixing what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

from kb_server.domain import Filter, Fusion, Hit, SearchMode
from kb_server.ports import ChunkSource, Embedder, LexicalIndex, VectorStore
from kb_server.retrieval.fusion import dense_scores, dense_weight, fuse

_CANDIDATES = 100  # asked of each index; what the catalog no longer knows is dropped from them


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Hits, best first, and how long it took to embed the question and to search."""

    hits: list[Hit]
    timings_ms: Mapping[str, float]


class HybridRetriever:
    """A Retriever over a vector store and a lexical index, mixed by the base's fitted fusion."""

    def __init__(
        self,
        embedder: Embedder,
        store: VectorStore,
        lexical: LexicalIndex,
        source: ChunkSource,
        fusion: Fusion | None,
    ) -> None:
        self._embedder = embedder
        self._store = store
        self._lexical = lexical
        self._source = source
        self._fusion = fusion

    def retrieve(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> list[Hit]:
        """Return up to k hits of indexed documents, best first."""
        return self.search(question, k, filters, mode).hits

    def search(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> Retrieval:
        """Retrieve, and say how long embedding and searching took.

        An index whose weight is 0 is not asked, so a base whose embedder does not know the language never loads it.
        """
        weight = self._weight(question, mode)
        allowed = self._source.chunk_ids(filters) if filters else None
        depth = max(_CANDIDATES, 4 * k)
        started = perf_counter()
        vector = self._embedder.embed_query(question) if weight > 0 else None
        embedded = perf_counter()
        lexical = dict(self._lexical.search(question, depth, allowed)) if weight < 1 else {}
        dense = dense_scores(self._store, vector, depth, lexical, allowed) if vector is not None else {}
        hits = self._hits(fuse(dense, lexical, weight), {"dense": dense, "lexical": lexical}, k)
        timings = {"embed": 1000 * (embedded - started), "search": 1000 * (perf_counter() - embedded)}
        return Retrieval(hits, timings)

    def _weight(self, question: str, mode: SearchMode) -> float:
        fixed = {SearchMode.DENSE: 1.0, SearchMode.LEXICAL: 0.0}
        return fixed[mode] if mode in fixed else dense_weight(self._fusion, question)

    def _hits(self, ranked: list[tuple[int, float]], stages: Mapping[str, Mapping[int, float]], k: int) -> list[Hit]:
        """Fetch the chunks of the best k that the catalog knows."""
        hits: list[Hit] = []
        for start in range(0, len(ranked), max(k, 1)):
            part = ranked[start : start + max(k, 1)]
            chunks = self._source.chunks([id_ for id_, _ in part])
            hits += [
                Hit(chunks[id_], score, {stage: scores[id_] for stage, scores in stages.items() if id_ in scores})
                for id_, score in part
                if id_ in chunks
            ]
            if len(hits) >= k:
                break
        return hits[:k]
