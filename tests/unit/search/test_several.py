"""One ranking over several bases."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Chunk, Filter, Hit, SearchMode
from kb_server.search.hybrid import Retrieval
from kb_server.search.several import search_bases

Scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=8)


class Ranked:
    """A base whose hits have these scores."""

    def __init__(self, scores: list[float]) -> None:
        self._scores = sorted(scores, reverse=True)

    def search(
        self,
        question: str,  # noqa: ARG002 - the protocol's names
        k: int,
        filters: Filter | None = None,  # noqa: ARG002
        mode: SearchMode = SearchMode.HYBRID,  # noqa: ARG002
    ) -> Retrieval:
        hits = [
            Hit(
                chunk=Chunk(id=i, document_id=1, document="d", text="t", start=0, end=1, page=None, heading_path=()),
                score=score,
            )
            for i, score in enumerate(self._scores)
        ]
        return Retrieval(hits[:k], {"search": 1.0})


@given(st.dictionaries(st.sampled_from("abc"), Scores, min_size=1), st.integers(1, 10))
def test_the_best_of_all_come_first(scores: Mapping[str, list[float]], k: int) -> None:
    found = search_bases({name: Ranked(part) for name, part in scores.items()}, "?", k, None, SearchMode.HYBRID)
    ranked = [hit.score for hit in found.hits]
    assert ranked == sorted((score for part in scores.values() for score in part), reverse=True)[:k]
    places = [(-hit.score, list(scores).index(hit.base), hit.chunk.id) for hit in found.hits]
    assert places == sorted(places), "equal scores keep the order of the bases"
    assert found.timings_ms == {"search": float(len(scores))}
