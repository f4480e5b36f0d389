"""Which limit keeps a passage out of an answer."""

from pathlib import Path

import pytest

from kb_server.core.errors import NotFound
from kb_server.search.explain import Explainer, ExplainLimits
from tests.unit.search.test_hybrid import ToySource, retriever_of
from tests.workshop import workshop

QUESTION = "red apple"


def _passed(chunk_id: int, limits: ExplainLimits) -> list[bool]:
    explaining = Explainer(retriever_of(), ToySource([1, 2, 3, 4, 5]), limits)
    return [limit.passed for limit in explaining.explain(QUESTION, chunk_id).limits]


def test_the_best_passage_passes_every_limit() -> None:
    assert _passed(1, ExplainLimits(results=1, threshold=0.1, passages=1)) == [True, True, True]


def test_a_passage_below_the_results_is_named_so() -> None:
    assert _passed(5, ExplainLimits(results=1, threshold=0.0, passages=3)) == [False, True, True]


def test_a_passage_below_the_threshold_backs_no_answer() -> None:
    assert _passed(4, ExplainLimits(results=5, threshold=0.9, passages=5)) == [True, False, False]


def test_a_chunk_of_another_base_is_not_found() -> None:
    with pytest.raises(NotFound, match="chunk 99"):
        _passed(99, ExplainLimits(1, 0.1, 1))


def test_a_chunk_with_the_words_of_others_is_followed_under_the_id_that_the_stores_have(tmp_path: Path) -> None:
    with workshop(tmp_path / "home") as shop:
        shop.app.bases.create("notes", "faiss", "toy")
        for name in ("a", "b"):
            shop.ingest("notes", tmp_path / "texts", **{name: "The bell rings at nine."})
        shop.ingest("notes", tmp_path / "texts", c="Lunch is at noon.")
        rows = shop.app.bases.open("notes").documents
        _, second, _ = rows.all()
        (chunk,) = rows.chunks.of_document(second.id)
        shop.ingest("notes", tmp_path / "texts", a=None)
        found = shop.app.search.explainer("notes").explain("When does the bell ring?", chunk.id)
        assert found.chunk == chunk
        assert {standing.rank for standing in found.standings} == {1}
        with pytest.raises(NotFound):  # the stores know it by the id of the one that is gone
            shop.app.search.explainer("notes").explain("When does the bell ring?", rows.chunks.vector_ids()[0])
