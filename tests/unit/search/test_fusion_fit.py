"""The fusion weight follows what each side can do."""

import random
import re
from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np

from kb_server.core.domain import Chunk, Filter
from kb_server.core.ports import Vectors
from kb_server.search.fusion import UNFITTED_WEIGHT
from kb_server.search.fusion_fit import FusionFitter
from kb_server.search.lexical import TantivyIndex
from vectorstores.memory import MemoryStore

CHUNKS = 40


class ToyEmbedder:
    """Embeds with any function from a text to a vector."""

    name = fingerprint = "toy"

    def __init__(self, dimension: int, embed: Callable[[str], Vectors]) -> None:
        self.dimension = dimension
        self._embed = embed

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        vector = self._embed(text)
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


class ToySource:
    """Chunks in a dictionary."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._chunks = {
            id_: Chunk(
                id=id_, document_id=1, document="a", text=text, start=0, end=len(text), page=None, heading_path=()
            )
            for id_, text in enumerate(texts)
        }

    def by_vector(self, vector_ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:  # noqa: ARG002 - the protocol's name
        return {id_: self._chunks[id_] for id_ in vector_ids if id_ in self._chunks}

    def vector_ids_of(self, ids: Sequence[int]) -> dict[int, int]:
        return {id_: id_ for id_ in ids}

    def vector_ids(self, filters: Filter | None = None) -> list[int]:  # noqa: ARG002 - the protocol's name
        return list(self._chunks)


def _chance(text: str) -> Vectors:
    return np.random.default_rng(crc32(text.encode())).standard_normal(3).astype(np.float32)


def _oracle(text: str) -> Vectors:
    """Know which chunk a text is of: its sentences begin with "C12s3"."""
    vector = np.zeros(CHUNKS, np.float32)
    for number in re.findall(r"C(\d+)s\d", text):
        vector[int(number)] += 1
    return vector


def _fitter(texts: Sequence[str], embedder: ToyEmbedder) -> FusionFitter:
    store, lexical = MemoryStore(embedder.dimension), TantivyIndex()
    ids = list(range(len(texts)))
    store.add(ids, embedder.embed_passages(texts))
    lexical.add(ids, texts)
    lexical.flush()
    return FusionFitter(embedder, store, lexical, ToySource(texts))


def _telling_words() -> list[str]:
    """Texts whose sentences share a word that stands nowhere else, among words that stand everywhere."""
    chance = random.Random(0)
    filler = [f"word{number}" for number in range(30)]
    return [
        " ".join(f"Topic{chunk}x {' '.join(chance.sample(filler, 6))}." for _ in range(4)) for chunk in range(CHUNKS)
    ]


def _misleading_words() -> list[str]:
    """Texts whose sentences share words with other texts only."""
    return [" ".join(f"C{i}s{j} word{(i + 7 * j) % CHUNKS}x." for j in range(4)) for i in range(CHUNKS)]


def test_vectors_by_chance_get_hardly_any_weight() -> None:
    fusion = _fitter(_telling_words(), ToyEmbedder(3, _chance)).fit()
    assert fusion.weights["other"] <= 0.25
    assert fusion.chunks == CHUNKS


def test_vectors_that_know_get_most_of_the_weight() -> None:
    fusion = _fitter(_misleading_words(), ToyEmbedder(CHUNKS, _oracle)).fit()
    assert fusion.weights["other"] >= 0.5


def test_the_same_base_gives_the_same_weights() -> None:
    texts = _telling_words()
    fits = [_fitter(texts, ToyEmbedder(3, _chance)).fit(seed) for seed in (0, 0, 5, 5)]
    assert fits[0] == fits[1]
    assert fits[2] == fits[3]


def test_a_script_with_few_texts_keeps_the_default() -> None:
    fusion = _fitter(_telling_words(), ToyEmbedder(3, _chance)).fit()
    assert fusion.weights["cjk"] == 1.0, "nothing there is Chinese"
    few = _fitter(_telling_words()[:9], ToyEmbedder(3, _chance)).fit()
    assert few.weights == {"cjk": 1.0, "other": UNFITTED_WEIGHT}


def test_short_texts_make_no_questions() -> None:
    fusion = _fitter(["One. Two."] * 20, ToyEmbedder(3, _chance)).fit()
    assert fusion.weights["other"] == UNFITTED_WEIGHT
