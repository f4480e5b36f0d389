"""Both indexes asked, and only what the catalog knows shown."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import pytest

from kb_server.core.domain import Chunk, Filter, Fusion, SearchMode
from kb_server.core.ports import Vectors
from kb_server.search.hybrid import HybridRetriever
from kb_server.search.lexical import TantivyIndex
from kb_server.text.terms import terms
from vectorstores.memory import MemoryStore

TEXTS = {1: "red apple pie", 2: "green pear", 3: "red car", 4: "blue sky", 5: "apple tree"}


class WordEmbedder:
    """Gives each term a direction; counts the questions it was asked."""

    name = fingerprint = "toy"
    dimension = 64
    asked = 0

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._embed(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        self.asked += 1
        return self._embed(text)

    def _embed(self, text: str) -> Vectors:
        rows = [np.random.default_rng(crc32(term.encode())).standard_normal(64) for term in terms(text)]
        vector = np.sum(rows, axis=0)
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


class ToySource:
    """A catalog that knows some ids only; a document's name is its id."""

    def __init__(self, known: Sequence[int]) -> None:
        self._known = known

    def by_vector(self, vector_ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:  # noqa: ARG002 - the protocol's name
        return {
            i: Chunk(
                id=i,
                document_id=1,
                document=str(i),
                text=TEXTS[i],
                start=0,
                end=len(TEXTS[i]),
                page=None,
                heading_path=(),
            )
            for i in vector_ids
            if i in self._known
        }

    def vector_ids_of(self, ids: Sequence[int]) -> dict[int, int]:
        return {id_: id_ for id_ in ids}

    def vector_ids(self, filters: Filter | None = None) -> list[int]:
        return [i for i in self._known if not filters or str(i) in filters.documents]


def retriever_of(
    known: Sequence[int] = tuple(TEXTS), weight: float = 0.5, embedder: WordEmbedder | None = None
) -> HybridRetriever:
    embedder = embedder or WordEmbedder()
    store, lexical = MemoryStore(64), TantivyIndex()
    store.add(list(TEXTS), embedder.embed_passages(list(TEXTS.values())))
    lexical.add(list(TEXTS), list(TEXTS.values()))
    lexical.flush()
    return HybridRetriever(embedder, store, lexical, ToySource(known), Fusion({"other": weight}, 5))


def _found(retriever: HybridRetriever, question: str, k: int, filters: Filter | None = None) -> list[int]:
    return [hit.chunk.id for hit in retriever.retrieve(question, k, filters)]


def test_the_best_comes_first_and_scores_fall() -> None:
    hits = retriever_of().retrieve("red apple pie", 5)
    assert hits[0].chunk.id == 1
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        mixed = 0.5 * hit.stages.get("dense", 0.0) + 0.5 * hit.stages.get("lexical", 0.0)
        assert hit.score == pytest.approx(mixed)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 50])
def test_at_most_k(k: int) -> None:
    everything = _found(retriever_of(), "red apple", 50)
    assert len(everything) == 5
    assert _found(retriever_of(), "red apple", k) == everything[:k]


def test_what_the_catalog_forgot_is_passed_over() -> None:
    everything = _found(retriever_of(), "red apple", 5)
    known = [id_ for id_ in TEXTS if id_ not in everything[:2]]
    assert _found(retriever_of(known), "red apple", 2) == everything[2:4]
    assert _found(retriever_of([]), "red apple", 2) == []


def test_filter() -> None:
    assert set(_found(retriever_of(), "red apple", 5, Filter(documents=("3", "5")))) == {3, 5}
    assert _found(retriever_of(), "red apple", 5, Filter(documents=("none",))) == []


def test_modes_ask_one_index() -> None:
    retriever = retriever_of()
    dense = retriever.retrieve("red apple", 5, mode=SearchMode.DENSE)
    lexical = retriever.retrieve("red apple", 5, mode=SearchMode.LEXICAL)
    assert all(set(hit.stages) == {"dense"} for hit in dense)
    assert {hit.chunk.id for hit in lexical} == {1, 3, 5}
    assert all(set(hit.stages) == {"lexical"} for hit in lexical)


def test_an_embedder_without_weight_is_not_asked() -> None:
    embedder = WordEmbedder()
    found = retriever_of(weight=0.0, embedder=embedder).search("red apple", 5)
    assert found.hits
    assert embedder.asked == 0
    assert set(found.timings_ms) == {"embed", "search"}


@pytest.mark.parametrize("mode", SearchMode)
def test_an_explanation_ends_with_the_rank_and_score_of_the_search(mode: SearchMode) -> None:
    retriever = retriever_of()
    found = retriever.retrieve("red apple", 5, mode=mode)
    for rank, hit in enumerate(found, 1):
        *stages, final = retriever.explain("red apple", hit.chunk.id, mode=mode)
        assert (final.stage, final.rank) == ("fusion", rank)
        assert final.score == pytest.approx(hit.score)
        assert {standing.stage: standing.score for standing in stages if standing.rank} == hit.stages


def test_an_explanation_does_not_count_what_the_catalog_dropped_and_says_who_did_not_find_it() -> None:
    lexical, dense, _ = retriever_of(known=(2, 4)).explain("red apple", 4)
    assert (lexical.rank, lexical.score) == (None, None)  # "blue sky" has neither word
    assert dense.rank in (1, 2)


def test_a_stage_that_is_not_asked_is_not_explained() -> None:
    assert [standing.stage for standing in retriever_of(weight=0.0).explain("red", 1)] == ["lexical", "fusion"]
