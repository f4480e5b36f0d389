"""A chunk's rank at each stage, compared with sorting everything there is."""

from collections.abc import Collection, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kb_server.search.ranks
from kb_server.core.domain import SearchMode
from kb_server.core.ports import Vectors
from kb_server.search.fusion import dense_scores, fuse
from kb_server.search.lexical import TantivyIndex
from kb_server.search.ranks import Found, StageRank, all_scores, rank_of
from tests.unit.search.test_hybrid import TEXTS, WordEmbedder, retriever_of
from vectorstores.memory import MemoryStore

WORDS = ["red", "green", "apple", "pear", "sky", "tree"]
PASSAGES = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=12)


def sorted_ranks(stages: Mapping[str, Mapping[int, float]], chunk_id: int, known: set[int]) -> list[StageRank]:
    """Rank as a reader of the definition would: sort what is known by score, then by id."""
    ranks = []
    for stage, scores in stages.items():
        best_first = sorted((id_ for id_ in scores if id_ in known), key=lambda id_: (-scores[id_], id_))
        there = chunk_id in best_first
        rank = best_first.index(chunk_id) + 1 if there else None
        ranks.append(StageRank(stage, rank, scores[chunk_id] if there else None))
    return ranks


@settings(max_examples=60, deadline=None)
@given(PASSAGES, st.sampled_from(["red apple", "sky", "violin"]), st.sampled_from([0.0, 0.3, 1.0]), st.data())
def test_ranks_are_those_of_sorting_everything(
    passages: list[str], question: str, weight: float, data: st.DataObject
) -> None:
    embedder, store, lexical = WordEmbedder(), MemoryStore(64), TantivyIndex()
    texts = {3 * number + 1: text for number, text in enumerate(passages)}
    vectored = data.draw(st.sets(st.sampled_from(list(texts)), min_size=1))
    known = sorted(data.draw(st.sets(st.sampled_from(list(texts)), min_size=1)))
    store.add(sorted(vectored), embedder.embed_passages([texts[id_] for id_ in sorted(vectored)]))
    lexical.add(list(texts), list(texts.values()))
    lexical.flush()
    vector = embedder.embed_query(question) if weight > 0 else None
    stages: dict[str, Mapping[int, float]] = {}
    if weight < 1:
        stages["lexical"] = dict(lexical.search(question, 100))
    if vector is not None:
        stages["dense"] = dense_scores(store, vector, 100, stages.get("lexical", {}))
    stages["fusion"] = dict(fuse(stages.get("dense", {}), stages.get("lexical", {}), weight))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kb_server.search.ranks, "_AT_ONCE", 3)
        scores = all_scores(known, question, vector, lexical, store, weight, 0.0)
    for chunk_id in (*texts, 2, 1_000):
        found = [rank_of(stage, chunk_id, known, values) for stage, values in scores.items()]
        assert found == sorted_ranks(stages, chunk_id, set(known))
    lexical.close()


def test_equal_scores_go_by_id() -> None:
    scores = np.array([0.5, np.nan, 0.5, 0.7, 0.5])
    assert [rank_of("dense", id_, [2, 4, 6, 8, 9], scores).rank for id_ in (8, 2, 6, 9, 4, 5)] == [
        1,
        2,
        3,
        4,
        None,
        None,
    ]


def test_nobody_is_asked_for_a_whole_base_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    search = MemoryStore.search

    def counted(store: MemoryStore, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> Found:
        asked.append(k)
        return search(store, vector, k, allowed)

    monkeypatch.setattr(kb_server.search.ranks, "_AT_ONCE", 2)
    monkeypatch.setattr(MemoryStore, "search", counted)
    final = retriever_of().explain("red apple", 4, mode=SearchMode.DENSE)[-1]
    assert final.rank is not None
    assert asked == [2, 2, 1]
    assert len(TEXTS) == 5
