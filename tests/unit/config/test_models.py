"""Questions are embedded once; passages each time."""

from collections.abc import Sequence

import numpy as np
import pytest

from kb_server.config.models import CachedEmbedder
from kb_server.core.ports import Vectors


class Letters:
    """A small embedder of our own kind: counts letters; it notes what it was asked for."""

    name, dimension, fingerprint = "letters", 26, "f"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        self.asked.append(text)
        return np.array([text.count(chr(97 + n)) for n in range(26)], np.float32)


def test_a_question_is_embedded_once_and_its_vector_cannot_be_spoilt() -> None:
    behind = Letters()
    cached = CachedEmbedder(behind)
    first, second = cached.embed_query("abba"), cached.embed_query("abba")
    assert behind.asked == ["abba"]
    assert first[:2].tolist() == [2, 2]
    assert first is second
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 7


def test_passages_are_embedded_each_time() -> None:
    behind = Letters()
    cached = CachedEmbedder(behind)
    for _ in range(2):
        assert cached.embed_passages(["a", "b"]).shape == (2, 26)
    assert behind.asked == ["a", "b"] * 2


def test_the_oldest_question_is_forgotten_when_there_are_many() -> None:
    behind = Letters()
    cached = CachedEmbedder(behind)
    for number in range(513):
        cached.embed_query(str(number))
    cached.embed_query("512")
    cached.embed_query("0")
    assert behind.asked[513:] == ["0"]


def test_it_goes_by_the_name_of_the_one_behind() -> None:
    cached = CachedEmbedder(Letters())
    assert (cached.name, cached.dimension, cached.fingerprint) == ("letters", 26, "f")
