"""What embedders, rerankers and generators have promised, as tests that a plug-in inherits."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, cast

import numpy as np
import pytest

from kb_server.core.answers import Message, Sampling
from kb_server.core.ports import Embedder, Generator, Reranker, Vectors

TEXTS = (
    "A cat sat on the mat.",
    "Quarterly revenue rose by 4%.",
    "知识库里有员工手册。",
    "The kitten lay on the rug. " * 8,
    "v2.3.1",
)

ODD_TEXTS = ("", " \n\t", "\ud800", "a\0b", "😀👩‍👩‍👧‍👦", "word " * 1_000)


def cosines(first: Vectors, second: Vectors) -> Vectors:
    """Return the cosine of each pair of rows, in float64 and whatever their lengths."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return np.asarray((first * second).sum(axis=-1) / lengths, np.float32)


class EmbedderSuite:
    """The promises of Embedder. Give it the fixtures `embedder` and `other`.

    `other` gives other vectors: of another prompt, model or revision.
    """

    @pytest.fixture
    def embedder(self) -> Embedder:
        """Return the embedder under test."""
        raise NotImplementedError("A class that inherits EmbedderSuite has a fixture `embedder`.")

    @pytest.fixture
    def other(self) -> Embedder:
        """Return one whose vectors differ."""
        raise NotImplementedError("A class that inherits EmbedderSuite has a fixture `other`.")

    def _assert_unit_rows(self, embedder: Embedder, texts: Sequence[str]) -> None:
        vectors = embedder.embed_passages(texts)
        assert vectors.shape == (len(texts), embedder.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1, atol=1e-4)

    def test_passages_become_rows_of_unit_length(self, embedder: Embedder) -> None:
        self._assert_unit_rows(embedder, TEXTS)

    def test_no_passages_become_no_rows(self, embedder: Embedder) -> None:
        assert embedder.embed_passages([]).shape == (0, embedder.dimension)

    def test_odd_texts_have_vectors_too(self, embedder: Embedder) -> None:
        self._assert_unit_rows(embedder, ODD_TEXTS)

    def test_a_vector_depends_on_its_own_text_alone(self, embedder: Embedder) -> None:
        together = embedder.embed_passages(TEXTS)
        alone = np.concatenate([embedder.embed_passages([text]) for text in TEXTS])
        backwards = embedder.embed_passages(TEXTS[::-1])[::-1]
        assert cosines(together, alone).min() > 0.999
        assert cosines(together, backwards).min() > 0.999

    def test_different_texts_differ(self, embedder: Embedder) -> None:
        first, second = embedder.embed_passages(TEXTS[:2])
        assert not np.array_equal(first, second)

    def test_a_question_becomes_one_vector_of_unit_length(self, embedder: Embedder) -> None:
        vector = embedder.embed_query(TEXTS[0])
        assert vector.shape == (embedder.dimension,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)

    def test_a_question_is_nearest_to_its_own_passage(self, embedder: Embedder) -> None:
        scores = embedder.embed_passages(TEXTS) @ embedder.embed_query(TEXTS[0])
        assert int(scores.argmax()) == 0

    def test_it_has_a_name_and_a_length(self, embedder: Embedder) -> None:
        assert embedder.name
        assert embedder.dimension > 0

    def test_the_fingerprint_tells_other_vectors_apart(self, embedder: Embedder, other: Embedder) -> None:
        first, second = embedder.embed_passages(TEXTS), other.embed_passages(TEXTS)
        assert first.shape != second.shape or cosines(first, second).min() < 0.9999, "`other` gives the same vectors"
        assert embedder.fingerprint
        assert embedder.fingerprint != other.fingerprint


RERANKED_QUESTION = "When was the tower opened?"

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
        scores = reranker.score(RERANKED_QUESTION, PASSAGES)
        assert [type(score) for score in scores] == [float] * len(PASSAGES)
        assert all(0 <= score <= 1 for score in scores)

    def test_a_score_depends_on_its_own_passage_alone(self, reranker: Reranker) -> None:
        together = reranker.score(RERANKED_QUESTION, PASSAGES)
        alone = [reranker.score(RERANKED_QUESTION, [passage])[0] for passage in PASSAGES]
        assert together == pytest.approx(alone, abs=1e-3)
        assert reranker.score(RERANKED_QUESTION, PASSAGES[::-1]) == pytest.approx(together[::-1], abs=1e-3)

    def test_passages_are_told_apart(self, reranker: Reranker) -> None:
        assert len(set(reranker.score(RERANKED_QUESTION, PASSAGES))) > 1

    def test_no_passages_have_no_scores(self, reranker: Reranker) -> None:
        assert reranker.score(RERANKED_QUESTION, []) == []

    def test_odd_texts_have_scores_too(self, reranker: Reranker) -> None:
        scores = reranker.score("\ud800?", ["", "\ud800", "a\0b", "😀"])
        assert all(0 <= score <= 1 for score in scores)
        assert 0 <= reranker.score("", PASSAGES[:1])[0] <= 1

    def test_it_has_a_name(self, reranker: Reranker) -> None:
        assert reranker.name


QUESTION = [Message(role="system", content="Answer shortly."), Message(role="user", content="你好, who are you?")]

MANY = 8  # answers; more than our models decode at once


class GeneratorSuite:
    """The promises of Generator. Give it the fixture `generator`.

    Its greedy answer to a question must have at least four characters; a random model will do.
    """

    @pytest.fixture
    def generator(self) -> Generator:
        """Return the model under test."""
        raise NotImplementedError("A class that inherits GeneratorSuite has a fixture `generator`.")

    def _answer(self, generator: Generator, sampling: Sampling) -> str:
        return "".join(generator.stream(QUESTION, sampling))

    def test_it_has_a_name_and_a_window(self, generator: Generator) -> None:
        assert generator.name
        assert generator.context_window > 0

    def test_a_prompt_has_a_length_that_grows_with_it(self, generator: Generator) -> None:
        answered = [*QUESTION, Message(role="assistant", content="A model."), Message(role="user", content="Whose?")]
        longer = [QUESTION[0], Message(role="user", content=QUESTION[1].content + " and why?")]
        length = generator.count_tokens(QUESTION)
        assert 0 < length < generator.context_window
        assert generator.count_tokens(answered) > length
        assert generator.count_tokens(longer) > length
        assert generator.count_tokens(QUESTION) == length

    def test_the_answer_comes_in_pieces_of_text(self, generator: Generator) -> None:
        pieces = list(generator.stream(QUESTION, Sampling(max_tokens=12)))
        assert {type(piece) for piece in pieces} == {str}
        assert len("".join(pieces)) >= 4

    def test_at_temperature_0_it_says_the_same_again(self, generator: Generator) -> None:
        greedy = Sampling(max_tokens=12, temperature=0)
        assert self._answer(generator, greedy) == self._answer(generator, greedy)

    def test_the_answer_ends_before_a_stop_string(self, generator: Generator) -> None:
        whole = self._answer(generator, Sampling(max_tokens=12))
        stop = whole[2:4]
        stopped = self._answer(generator, Sampling(max_tokens=12, stop=("never said", stop)))
        assert stopped == whole.partition(stop)[0]

    def test_closing_stops_the_model_and_makes_room(self, generator: Generator) -> None:
        expected = self._answer(generator, Sampling(max_tokens=12))
        for _ in range(MANY):
            # What `stream` returns is a generator; Iterator alone has no `close`.
            with closing(cast("Any", generator.stream(QUESTION, Sampling(max_tokens=12)))) as stream:
                next(stream)
        assert self._answer(generator, Sampling(max_tokens=12)) == expected
