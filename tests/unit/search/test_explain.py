"""Which limit keeps a passage out of an answer."""

import pytest

from kb_server.core.errors import NotFound
from kb_server.search.explain import Explainer, ExplainLimits
from tests.unit.search.test_hybrid import ToySource, retriever_of

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
