"""The best sentences, word for word."""

from collections.abc import Sequence

import numpy as np
import pytest

from kb_server.answering.extract import SentenceExtractor, best_sentences, whole_sentences
from kb_server.core.domain import Chunk, Hit
from kb_server.core.ports import Vectors
from kb_server.search.lexical import TantivyIndex

TEXTS = [
    "Our office is in Berlin. The cat sleeps on the sofa. It snores.",
    "Bread needs flour. The dog barks at night.",
]


class AnimalEmbedder:
    """Knows one thing: whether a text is about animals."""

    name = fingerprint = "toy"
    dimension = 2

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        is_animal = any(word in text for word in ("cat", "dog", "animal"))
        return np.array([1, 0] if is_animal else [0, 1], np.float32)


@pytest.fixture
def extractor() -> SentenceExtractor:
    lexical = TantivyIndex()
    lexical.add([0, 1], TEXTS)
    lexical.flush()
    return SentenceExtractor(AnimalEmbedder(), lexical)


def _hits(*scores: float) -> list[Hit]:
    return [
        Hit(
            chunk=Chunk(
                id=id_,
                document_id=1,
                document=f"{id_}.txt",
                text=text,
                start=0,
                end=len(text),
                page=None,
                heading_path=(),
            ),
            score=score,
        )
        for id_, (text, score) in enumerate(zip(TEXTS, scores, strict=False))
    ]


def _texts(extractor: SentenceExtractor, question: str, hits: list[Hit], count: int, weight: float) -> list[str]:
    return [sentence.text for sentence in best_sentences(extractor.scored(question, hits, weight), count)]


def test_by_words(extractor: SentenceExtractor) -> None:
    assert _texts(extractor, "Where is the office?", _hits(0.2, 0.1), 1, 0.0) == ["Our office is in Berlin."]


def test_by_vectors(extractor: SentenceExtractor) -> None:
    found = _texts(extractor, "Name an animal", _hits(0.1, 0.1), 2, 1.0)
    assert set(found) <= {"The cat sleeps on the sofa.", "The dog barks at night.", "It snores."}
    assert "The cat sleeps on the sofa." in found


def test_no_more_than_asked_for_and_in_the_order_of_the_passage(extractor: SentenceExtractor) -> None:
    hits = _hits(0.9)
    for count in (1, 2, 3, 9):
        found = best_sentences(extractor.scored("office cat", hits, 0.0), count)
        assert 1 <= len(found) <= count
        assert [sentence.start for sentence in found] == sorted(sentence.start for sentence in found)
        assert all(sentence.text in TEXTS[0] for sentence in found)


def test_a_weak_second_sentence_is_left_out(extractor: SentenceExtractor) -> None:
    assert _texts(extractor, "flour for bread", _hits(0.0, 0.0), 2, 0.0)[0] == "Bread needs flour."
    assert "Our office is in Berlin." not in _texts(extractor, "flour for bread", _hits(0.0, 0.0), 5, 0.0)


def test_nothing_to_take_from(extractor: SentenceExtractor) -> None:
    assert best_sentences(extractor.scored("office", [], 0.5), 2) == []
    heading = Hit(
        chunk=Chunk(
            id=7, document_id=1, document="a", text="Title", start=0, end=5, page=None, heading_path=("Title",)
        ),
        score=0.9,
    )
    assert [item.text for item in best_sentences(extractor.scored("Title", [heading], 0.5), 2)] == ["Title"]


def test_overlapping_chunks_give_a_sentence_once(extractor: SentenceExtractor) -> None:
    start = TEXTS[0].index("The cat")
    first = Hit(
        chunk=Chunk(
            id=1, document_id=1, document="a", text=TEXTS[0], start=0, end=len(TEXTS[0]), page=None, heading_path=()
        ),
        score=0.5,
    )
    second = Hit(
        chunk=Chunk(
            id=2,
            document_id=1,
            document="a",
            text=TEXTS[0][start:],
            start=start,
            end=len(TEXTS[0]),
            page=None,
            heading_path=(),
        ),
        score=0.5,
    )
    found = _texts(extractor, "cat sofa", [first, second], 9, 0.0)
    assert len(found) == len(set(found))


def test_headings_are_no_sentences_and_the_one_before_is_context() -> None:
    text = "Pets\nThe cat sleeps. It snores."
    found = whole_sentences(
        Hit(
            chunk=Chunk(
                id=1, document_id=1, document="a", text=text, start=0, end=len(text), page=None, heading_path=("Pets",)
            ),
            score=0.5,
        )
    )
    assert [sentence.text for sentence in found] == ["The cat sleeps.", "It snores."]
    assert found[1].context == "The cat sleeps. It snores."
