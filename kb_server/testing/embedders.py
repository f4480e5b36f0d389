"""What every embedder does."""

from collections.abc import Sequence

import numpy as np
import pytest

from kb_server.core.ports import Embedder, Vectors

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
