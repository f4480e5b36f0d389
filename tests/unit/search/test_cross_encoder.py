"""Reranking: a tiny random cross-encoder against transformers itself, and its place in the search."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from kb_server.core.domain import Chunk, Filter, Fusion, SearchMode
from kb_server.core.errors import ModelNotFound
from kb_server.search.cross_encoder import CrossEncoderReranker
from kb_server.search.hybrid import HybridRetriever, Reranking
from kb_server.search.lexical import TantivyIndex
from tests.models.tiny import tiny_reranker
from vectorstores.memory import MemoryStore

TEXTS = ["tower tower tower opened", "the tower was opened in 1931", "the bridge", "a tower"]
QUESTION = "when was the tower opened"


def _checkpoint(folder: Path, outputs: int = 1) -> Path:
    return tiny_reranker(folder, [word for text in [QUESTION, *TEXTS] for word in text.split()], outputs)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _checkpoint(tmp_path_factory.mktemp("reranker") / "tiny")


def test_scores_are_the_sigmoid_of_the_models_output(checkpoint: Path) -> None:
    reranker = CrossEncoderReranker(str(checkpoint), batch_size=3, device="cpu")
    model = BertForSequenceClassification.from_pretrained(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    with torch.no_grad():
        expected = [
            float(torch.sigmoid(model(**tokenizer(QUESTION, text, return_tensors="pt")).logits)) for text in TEXTS
        ]
    assert reranker.score(QUESTION, TEXTS) == pytest.approx(expected, abs=1e-5)
    assert len(set(np.round(expected, 4))) == len(TEXTS)
    assert reranker.score(QUESTION, []) == []
    assert reranker.score("\ud800?", ["\ud800"])[0] >= 0  # half a surrogate pair is no reason to fail
    assert reranker.name == "tiny"


def test_what_is_no_reranker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="2 outputs"):
        CrossEncoderReranker(str(_checkpoint(tmp_path / "two", outputs=2)), device="cpu").score(QUESTION, TEXTS)
    with pytest.raises(ModelNotFound, match="nowhere"):
        CrossEncoderReranker(str(tmp_path / "nowhere")).score(QUESTION, TEXTS)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}", "utf-8")
    with pytest.raises(ModelNotFound, match="broken"):
        CrossEncoderReranker(str(broken)).score(QUESTION, TEXTS)


class _Length:
    """Prefers short passages; remembers how many it read."""

    name = "length"

    def __init__(self) -> None:
        self.read: list[int] = []

    def score(self, question: str, passages: Sequence[str]) -> list[float]:  # noqa: ARG002 - the protocol's name
        self.read.append(len(passages))
        return [1 / (1 + len(passage)) for passage in passages]


class _Texts:
    """The texts above as chunks."""

    def by_vector(self, vector_ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:  # noqa: ARG002
        return {
            i: Chunk(
                id=i,
                document_id=1,
                document=f"{i}.txt",
                text=TEXTS[i],
                start=0,
                end=len(TEXTS[i]),
                page=None,
                heading_path=(),
            )
            for i in vector_ids
        }

    def vector_ids(self, filters: Filter | None = None) -> list[int]:  # noqa: ARG002 - the protocol's name
        return list(range(len(TEXTS)))

    def vector_ids_of(self, ids: Sequence[int]) -> dict[int, int]:
        return {id_: id_ for id_ in ids}


class _Flat:
    """Gives every text the same vector."""

    name = fingerprint = "flat"
    dimension = 2

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    def embed_query(self, text: str) -> np.ndarray:  # noqa: ARG002 - the protocol's name
        return np.array([1, 0], np.float32)


def _retriever(reranking: Reranking | None) -> HybridRetriever:
    store, lexical = MemoryStore(2), TantivyIndex()
    store.add(range(4), _Flat().embed_passages(TEXTS))
    lexical.add(range(4), TEXTS)
    lexical.flush()
    return HybridRetriever(_Flat(), store, lexical, _Texts(), Fusion({"other": 0.3}, 4), reranking)


def test_more_is_fetched_than_is_returned() -> None:
    reranker = _Length()
    plain = _retriever(None).retrieve(QUESTION, 4)
    found = _retriever(Reranking(reranker, 3)).search(QUESTION, 1)
    best = min(plain[:3], key=lambda hit: len(hit.chunk.text))
    assert reranker.read == [3]
    assert [hit.chunk.id for hit in found.hits] == [best.chunk.id]
    assert found.hits[0].score == found.hits[0].stages["rerank"] == 1 / (1 + len(best.chunk.text))
    assert found.hits[0].stages["fusion"] == best.score
    assert found.timings_ms["rerank"] >= 0
    _retriever(Reranking(reranker, 2)).retrieve(QUESTION, 4)
    assert reranker.read == [3, 4]


def test_only_hybrid_search_is_reranked_and_depth_0_switches_off() -> None:
    reranker = _Length()
    for mode in (SearchMode.LEXICAL, SearchMode.DENSE):
        assert "rerank" not in _retriever(Reranking(reranker, 3)).search(QUESTION, 2, mode=mode).timings_ms
    assert _retriever(Reranking(reranker, 0)).retrieve(QUESTION, 4) == _retriever(None).retrieve(QUESTION, 4)
    assert reranker.read == []


def test_explain_ends_with_the_reranker() -> None:
    plain = _retriever(None).retrieve(QUESTION, 4)
    stages = _retriever(Reranking(_Length(), 3)).explain(QUESTION, plain[0].chunk.id)
    assert [item.stage for item in stages] == ["lexical", "dense", "fusion", "rerank"]
    lengths = sorted((len(hit.chunk.text), rank) for rank, hit in enumerate(plain[:3]))
    assert stages[-1].rank == 1 + [rank for _, rank in lengths].index(0)
    left_out = _retriever(Reranking(_Length(), 3)).explain(QUESTION, plain[3].chunk.id)
    assert left_out[-1].rank is None
