"""Asking both indexes and mixing what they say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter

import numpy as np

from kb_server.core.domain import Filter, Fusion, Hit, SearchMode
from kb_server.core.ports import ChunkSource, Embedder, LexicalIndex, Reranker, VectorStore
from kb_server.search.cosine_floor import above, cosine_floor, cosine_floors
from kb_server.search.fusion import ELSEWHERE, dense_scores, dense_weight, fuse, named_first
from kb_server.search.ranks import StageRank, all_scores, rank_of
from kb_server.text.terms import codes, script


@dataclass(frozen=True, slots=True)
class Reranking:
    """A reranker, and how many passages it reads at least; 0: it is not asked."""

    reranker: Reranker
    depth: int

    def rerank(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits by the reranker's score, best first, ties as they were; `fusion` keeps the score before."""
        scores = self.reranker.score(question, [hit.chunk.searchable for hit in hits])
        scored = [
            replace(hit, score=score, stages={**hit.stages, "fusion": hit.score, "rerank": score})
            for hit, score in zip(hits, scores, strict=True)
        ]
        return sorted(scored, key=lambda hit: -hit.score)


_CANDIDATES = 100  # asked of each index; what the catalog no longer knows is dropped from them


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Hits, best first, and how long it took to embed the question and to search."""

    hits: list[Hit]
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Ranking:
    """(id, score) best first, what each index gave, and how long it took."""

    fused: list[tuple[int, float]]
    stages: Mapping[str, Mapping[int, float]]
    timings_ms: Mapping[str, float]

    def scores_of(self, id_: int) -> dict[str, float]:
        return {stage: scores[id_] for stage, scores in self.stages.items() if id_ in scores}


class HybridRetriever:
    """A Retriever over a vector store and a lexical index, mixed by the base's fitted fusion."""

    def __init__(
        self,
        embedder: Embedder,
        store: VectorStore,
        lexical: LexicalIndex,
        source: ChunkSource,
        fusion: Fusion | None,
        reranking: Reranking | None = None,
    ) -> None:
        self._embedder = embedder
        self._store = store
        self._lexical = lexical
        self._source = source
        self._fusion = fusion
        self._reranking = reranking if reranking and reranking.depth else None

    def retrieve(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> list[Hit]:
        """Return up to k hits of indexed documents, best first."""
        return self.search(question, k, filters, mode).hits

    def search(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> Retrieval:
        """Retrieve, and say how long embedding, searching and reranking took.

        An index whose weight is 0 is not asked, so a base whose embedder does not know the language never loads it.
        Only hybrid search is reranked, from at least as many hits as the reranker reads.
        """
        reranking = self._reranking if mode is SearchMode.HYBRID else None
        fetched = max(k, reranking.depth) if reranking else k
        ranking = self._rank(question, max(_CANDIDATES, 4 * fetched), filters, mode)
        if mode is SearchMode.HYBRID and self._weight(question, mode) == 1.0:
            hits = self._among_scripts(question, self._hits(ranking, _CANDIDATES, filters).values())[:fetched]
        else:
            hits = list(self._hits(ranking, fetched, filters).values())
        if reranking is None:
            return Retrieval(hits, ranking.timings_ms)
        started = perf_counter()
        reranked = reranking.rerank(question, hits)[:k]
        return Retrieval(reranked, {**ranking.timings_ms, "rerank": 1000 * (perf_counter() - started)})

    def explain(
        self, question: str, vector_id: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> list[StageRank]:
        """Say where the chunk behind an id of the stores stands: in each index that is asked, and in their mixture.

        That is however far down. If there is a reranker, then last among those that it reads.
        """
        weight = self._weight(question, mode)
        vector = self._embedder.embed_query(question) if weight > 0 else None
        floor = cosine_floor(self._embedder) if weight > 0 else 0.0
        ids = self._source.vector_ids(filters)
        scores = all_scores(ids, question, vector, self._lexical, self._store, weight, floor)
        if named := self._named(question, mode):
            scores["fusion"] = np.where(np.isin(ids, list(named)), 1.0, ELSEWHERE) * scores["fusion"]
        ranks = [rank_of(stage, vector_id, ids, found) for stage, found in scores.items()]
        if self._reranking and mode is SearchMode.HYBRID:
            ranks.append(self._reranked(self._reranking, question, vector_id, filters))
        return ranks

    def _reranked(self, reranking: Reranking, question: str, vector_id: int, filters: Filter | None) -> StageRank:
        """Return where it stands among those that the reranker reads in a search."""
        ranking = self._rank(question, max(_CANDIDATES, 4 * reranking.depth), filters, SearchMode.HYBRID)
        read = self._hits(ranking, reranking.depth, filters)
        reranked = reranking.rerank(question, list(read.values())) if vector_id in read else []
        places = {hit.chunk.id: (rank, hit.score) for rank, hit in enumerate(reranked, 1)}
        return StageRank("rerank", *(places[read[vector_id].chunk.id] if reranked else (None, None)))

    def _rank(self, question: str, depth: int, filters: Filter | None, mode: SearchMode) -> _Ranking:
        weight = self._weight(question, mode)
        allowed = self._source.vector_ids(filters) if filters else None
        started = perf_counter()
        vector = self._embedder.embed_query(question) if weight > 0 else None
        floor = cosine_floor(self._embedder) if weight > 0 else 0.0
        embedded = perf_counter()
        stages: dict[str, dict[int, float]] = {}
        named = self._named(question, mode)
        if weight < 1:
            stages["lexical"] = dict(self._lexical.search(question, depth, allowed))
        if vector is not None:
            also = {*stages.get("lexical", {}), *islice(named.intersection(allowed or named), depth)}
            stages["dense"] = dense_scores(self._store, vector, depth, also, allowed, floor=floor)
        fused = fuse(stages.get("dense", {}), stages.get("lexical", {}), weight)
        fused = named_first(fused, named) if named else fused
        timings = {"embed": 1000 * (embedded - started), "search": 1000 * (perf_counter() - embedded)}
        return _Ranking(fused, stages, timings)

    def _among_scripts(self, question: str, hits: Iterable[Hit]) -> list[Hit]:
        """Rank again where a base is not written in the question's script: each passage by the floor of its own script.

        The little that is in the question's script, a name or some markup, is nearer to every such question than all
        else, for that reason alone.
        """
        floors, own = cosine_floors(self._embedder), script(question)
        judged = []
        for hit in hits:
            cosine = floors.lowest + (1 - floors.lowest) * hit.stages.get("dense", 0.0)
            dense = float(above(floors.pairs[own, script(hit.chunk.text)], cosine))
            judged.append(replace(hit, score=dense, stages={**hit.stages, "dense": dense}))
        return sorted(judged, key=lambda hit: -hit.score)

    def _named(self, question: str, mode: SearchMode) -> set[int]:
        """Return the ids of the chunks that hold a code which the question names; none where it names none."""
        if mode is not SearchMode.HYBRID:
            return set()
        return set().union(*map(self._lexical.holding, codes(question)))

    def _weight(self, question: str, mode: SearchMode) -> float:
        fixed = {SearchMode.DENSE: 1.0, SearchMode.LEXICAL: 0.0}
        return fixed[mode] if mode in fixed else dense_weight(self._fusion, question)

    def _hits(self, ranking: _Ranking, k: int, filters: Filter | None) -> dict[int, Hit]:
        """Fetch the chunks of the best k that the catalog knows, by their ids in the stores, best first."""
        hits: dict[int, Hit] = {}
        for start in range(0, len(ranking.fused), max(k, 1)):
            part = ranking.fused[start : start + max(k, 1)]
            chunks = self._source.by_vector([id_ for id_, _ in part], filters)
            hits |= {
                id_: Hit(chunk=chunks[id_], score=score, stages=ranking.scores_of(id_))
                for id_, score in part
                if id_ in chunks
            }
            if len(hits) >= k:
                break
        return dict(islice(hits.items(), k))
