"""What every reranker does."""

import pytest

from kb_server.core.ports import Reranker

QUESTION = "When was the tower opened?"
PASSAGES = (
    "The tower was opened in 1931.",
    "A bridge.",
    "塔于一九三一年开放。",
    "tower " * 2_000,
    "The tower is red, and stands beside the river.",
)


class RerankerSuite:
    """The promises of Reranker. Give it the fixture `reranker`."""

    @pytest.fixture
    def reranker(self) -> Reranker:
        """Return the reranker under test."""
        raise NotImplementedError("A class that inherits RerankerSuite has a fixture `reranker`.")

    def test_each_passage_has_a_score_from_0_to_1(self, reranker: Reranker) -> None:
        scores = reranker.score(QUESTION, PASSAGES)
        assert [type(score) for score in scores] == [float] * len(PASSAGES)
        assert all(0 <= score <= 1 for score in scores)

    def test_a_score_depends_on_its_own_passage_alone(self, reranker: Reranker) -> None:
        together = reranker.score(QUESTION, PASSAGES)
        alone = [reranker.score(QUESTION, [passage])[0] for passage in PASSAGES]
        assert together == pytest.approx(alone, abs=1e-3)
        assert reranker.score(QUESTION, PASSAGES[::-1]) == pytest.approx(together[::-1], abs=1e-3)

    def test_passages_are_told_apart(self, reranker: Reranker) -> None:
        assert len(set(reranker.score(QUESTION, PASSAGES))) > 1

    def test_no_passages_have_no_scores(self, reranker: Reranker) -> None:
        assert reranker.score(QUESTION, []) == []

    def test_odd_texts_have_scores_too(self, reranker: Reranker) -> None:
        scores = reranker.score("\ud800?", ["", "\ud800", "a\0b", "😀"])
        assert all(0 <= score <= 1 for score in scores)
        assert 0 <= reranker.score("", PASSAGES[:1])[0] <= 1

    def test_it_has_a_name(self, reranker: Reranker) -> None:
        assert reranker.name
