"""Searching several knowledge bases at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kb_server.core.domain import Filter, Hit, SearchMode
from kb_server.search.hybrid import Retrieval


class Searcher(Protocol):
    """What a base is searched by."""

    def search(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> Retrieval:
        """Return up to k hits, best first, and the time it took."""
        ...


class BasesRetriever:
    """A Retriever over several bases, given by their names."""

    def __init__(self, searchers: Mapping[str, Searcher]) -> None:
        self._searchers = searchers

    def retrieve(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> list[Hit]:
        """Return the best k of all bases."""
        return search_bases(self._searchers, question, k, filters, mode).hits


def search_bases(
    searchers: Mapping[str, Searcher], question: str, k: int, filters: Filter | None, mode: SearchMode
) -> Retrieval:
    """Return the best k of all bases in one ranking, and the time spent in all of them."""
    parts = search_each(searchers, question, k, filters, mode)
    return Retrieval(merge([part.hits for part in parts.values()], k), _summed(parts))


def search_each(
    searchers: Mapping[str, Searcher], question: str, k: int, filters: Filter | None, mode: SearchMode
) -> dict[str, Retrieval]:
    """Return up to k hits of each base, which know the base they are from."""
    found = {base: searcher.search(question, k, filters, mode) for base, searcher in searchers.items()}
    return {base: replace(part, hits=[replace(hit, base=base) for hit in part.hits]) for base, part in found.items()}


def merge(parts: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """Return the best k of all parts. Scores mean the same in every base, so they are compared as they are.

    Equal scores keep the order of the parts, and within one the order it has.
    """
    return sorted((hit for part in parts for hit in part), key=lambda hit: -hit.score)[:k]


def _summed(parts: Mapping[str, Retrieval]) -> dict[str, float]:
    steps = {step for part in parts.values() for step in part.timings_ms}
    return {step: sum(part.timings_ms.get(step, 0.0) for part in parts.values()) for step in sorted(steps)}
