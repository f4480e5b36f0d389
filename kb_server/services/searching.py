"""Searching several knowledge bases at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kb_server.domain import Filter, Hit, SearchMode
from kb_server.retrieval.hybrid import Retrieval


class Searcher(Protocol):
    """What a base is searched by."""

    def search(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> Retrieval:
        """Return up to k hits, best first, and the time it took."""
        ...


@dataclass(frozen=True, slots=True)
class BaseHit:
    """A hit and the name of the base it is from."""

    base: str
    hit: Hit


@dataclass(frozen=True, slots=True)
class MergedRetrieval:
    """Hits of several bases in one ranking, best first, and the time spent in all of them."""

    hits: list[BaseHit]
    timings_ms: Mapping[str, float]


def search_bases(
    searchers: Mapping[str, Searcher], question: str, k: int, filters: Filter | None, mode: SearchMode
) -> MergedRetrieval:
    """Return the best k of all bases. Scores mean the same in every base, so they are compared as they are.

    Equal scores keep the order of the bases given, and within one the order it gave.
    """
    found = {base: searcher.search(question, k, filters, mode) for base, searcher in searchers.items()}
    hits = [BaseHit(base, hit) for base, part in found.items() for hit in part.hits]
    ranked = sorted(hits, key=lambda one: -one.hit.score)[:k]
    return MergedRetrieval(ranked, _summed([part.timings_ms for part in found.values()]))


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    steps = {step for part in parts for step in part}
    return {step: sum(part.get(step, 0.0) for part in parts) for step in sorted(steps)}
