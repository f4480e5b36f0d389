"""Reading the best passages again with a Reranker, which sees question and passage together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kb_server.domain import Hit
from kb_server.ports import Reranker


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
