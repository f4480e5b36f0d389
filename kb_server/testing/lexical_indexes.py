"""What every word index does, compared with BM25 as it is published."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from kb_server.core.ports import LexicalIndex
from kb_server.text.question_terms import question_terms
from kb_server.text.terms import terms

OpenIndex = Callable[[Path], LexicalIndex]
"""Opens the index in a folder, which need not be there yet."""

TEXTS = {
    1: "red apple",
    2: "red red apple tart",
    3: "green pear",
    5: "本地知识库问答系统",
    2**40: "问题与回答",
}


class Bm25:
    """Robertson and Zaragoza 2009, equation 3.15, with Lucene's inverse document frequency; k1 = 1.2, b = 0.75.

    A score is divided by what a text could reach at most, which is (k1 + 1) times the sum of the weights.
    """

    def __init__(self, texts: Mapping[int, str]) -> None:
        self._counts = {id_: Counter(terms(text)) for id_, text in texts.items()}

    def weights(self, question: str) -> dict[str, float]:
        """Return ln(1 + (N - n + 0.5) / (n + 0.5)) for each term that n of N texts have."""
        total = len(self._counts)
        having = {term: sum(term in counts for counts in self._counts.values()) for term in question_terms(question)}
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in having.items()}

    def search(self, question: str) -> list[tuple[int, float]]:
        """Return (id, score) of every text that has a term of the question, best first."""
        weights = self.weights(question)
        mean = sum(counts.total() for counts in self._counts.values()) / len(self._counts)
        scores: dict[int, float] = {}
        for id_, counts in self._counts.items():
            length = 1.2 * (1 - 0.75 + 0.75 * counts.total() / mean)
            reached = sum(weight * counts[term] / (counts[term] + length) for term, weight in weights.items())
            if reached:
                scores[id_] = reached / sum(weights.values())
        return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


def _filled(index: LexicalIndex) -> LexicalIndex:
    index.add(list(TEXTS), list(TEXTS.values()))
    index.flush()
    return index


class LexicalIndexSuite:
    """The promises of LexicalIndex. Give it the fixture `open_index`; it returns an OpenIndex.

    Terms are those of `kb_server.text.terms`, in every index.
    """

    @pytest.fixture
    def open_index(self) -> OpenIndex:
        """Return what opens the index under test."""
        raise NotImplementedError("A class that inherits LexicalIndexSuite has a fixture `open_index`.")

    @pytest.fixture
    def index(self, open_index: OpenIndex, tmp_path: Path) -> Iterator[LexicalIndex]:
        """Open an index that holds TEXTS, and close it after the test."""
        index = _filled(open_index(tmp_path / "base" / "words"))
        yield index
        index.close()

    @pytest.mark.parametrize("question", ["red tart", "知识库怎么问答？", "RED apples", "violin", "?!", ""])
    def test_ranks_and_scores_are_those_of_bm25(self, index: LexicalIndex, question: str) -> None:
        found, expected = index.search(question, 5), Bm25(TEXTS).search(question)
        assert [id_ for id_, _ in found] == [id_ for id_, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=0.03)
        assert index.weights(question) == pytest.approx(Bm25(TEXTS).weights(question))

    def test_results_are_plain_python_numbers(self, index: LexicalIndex) -> None:
        assert [(type(id_), type(score)) for id_, score in index.search("green", 1)] == [(int, float)]

    def test_what_is_added_again_is_replaced(self, index: LexicalIndex) -> None:
        index.add([1, 1], ["yellow", "blue plum"])
        index.flush()
        assert [id_ for id_, _ in index.search("red", 5)] == [2]
        assert [id_ for id_, _ in index.search("plum", 5)] == [1]
        assert index.search("yellow", 5) == []
        assert len(index) == len(TEXTS)

    def test_what_is_deleted_is_gone(self, index: LexicalIndex) -> None:
        index.delete([2, 99])
        index.delete([])
        index.flush()
        assert [id_ for id_, _ in index.search("red", 5)] == [1]
        assert index.ids() == set(TEXTS) - {2}
        assert len(index) == len(TEXTS) - 1

    def test_only_allowed_ids(self, index: LexicalIndex) -> None:
        everything = dict(index.search("red", 5))
        assert dict(index.search("red", 5, [1, 3])) == pytest.approx({1: everything[1]})
        assert index.search("red", 5, []) == []

    def test_k(self, index: LexicalIndex) -> None:
        assert index.search("red", 1) == index.search("red", 5)[:1]
        assert index.search("red", 0) == []

    def test_an_empty_one(self, open_index: OpenIndex, tmp_path: Path) -> None:
        index = open_index(tmp_path / "base" / "words")
        assert (index.search("red", 5), index.ids(), len(index)) == ([], set(), 0)
        index.close()

    def test_it_is_there_when_opened_again_and_gone_when_destroyed(self, open_index: OpenIndex, tmp_path: Path) -> None:
        _filled(open_index(tmp_path / "base" / "words")).close()
        index = open_index(tmp_path / "base" / "words")
        assert index.ids() == set(TEXTS)
        assert [id_ for id_, _ in index.search("问答", 5)] == [5]
        index.destroy()
        again = open_index(tmp_path / "base" / "words")
        assert len(again) == 0
        again.close()

    def test_a_text_of_very_many_words(self, index: LexicalIndex) -> None:
        index.add([7], [" ".join(f"word{number}" for number in range(7_000))])
        index.flush()
        assert [id_ for id_, _ in index.search("word6000", 5)] == [7]

    def test_who_holds_a_term_is_known(self, index: LexicalIndex) -> None:
        assert index.holding("red") == {1, 2}
        assert index.holding("知识") == {5}
        assert index.holding("violin") == set()
