"""What every word index does, on disk and inside Milvus."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kb_server.core.ports import LexicalIndex
from kb_server.search.lexical import TantivyIndex
from tests.workshop import workshop
from vectorstores.milvus.words import MilvusWords

TEXTS = {
    1: "red apple",
    2: "red red apple tart",
    3: "green pear",
    5: "本地知识库问答系统",
    2**40: "问题与回答",
}
BACKENDS: dict[str, Callable[[Path], LexicalIndex]] = {"tantivy": TantivyIndex, "milvus": MilvusWords}


@pytest.fixture(params=BACKENDS)
def make(request: pytest.FixtureRequest) -> Callable[[Path], LexicalIndex]:
    return BACKENDS[request.param]


@pytest.fixture
def index(make: Callable[[Path], LexicalIndex], tmp_path: Path) -> Iterator[LexicalIndex]:
    index = filled(make(tmp_path / "base" / "words"))
    yield index
    index.close()


def filled(index: LexicalIndex) -> LexicalIndex:
    index.add(list(TEXTS), list(TEXTS.values()))
    index.flush()
    return index


@pytest.mark.parametrize("question", ["red tart", "知识库怎么问答？", "RED apples", "violin", "?!", ""])
def test_ranks_and_scores_are_those_of_bm25(index: LexicalIndex, question: str) -> None:
    oracle = filled(TantivyIndex())
    found, expected = index.search(question, 5), oracle.search(question, 5)
    assert [id_ for id_, _ in found] == [id_ for id_, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=0.03)
    assert index.weights(question) == pytest.approx(oracle.weights(question))


def test_what_is_added_again_is_replaced(index: LexicalIndex) -> None:
    index.add([1, 1], ["yellow", "blue plum"])
    index.flush()
    assert [id_ for id_, _ in index.search("red", 5)] == [2]
    assert [id_ for id_, _ in index.search("plum", 5)] == [1]
    assert index.search("yellow", 5) == []
    assert len(index) == len(TEXTS)


def test_what_is_deleted_is_gone(index: LexicalIndex) -> None:
    index.delete([2, 99])
    index.delete([])
    index.flush()
    assert [id_ for id_, _ in index.search("red", 5)] == [1]
    assert index.ids() == set(TEXTS) - {2}
    assert len(index) == len(TEXTS) - 1


def test_only_allowed_ids(index: LexicalIndex) -> None:
    everything = dict(index.search("red", 5))
    assert dict(index.search("red", 5, [1, 3])) == pytest.approx({1: everything[1]})
    assert index.search("red", 5, []) == []
    assert index.search("red", 0) == []


def test_an_empty_one(make: Callable[[Path], LexicalIndex], tmp_path: Path) -> None:
    index = make(tmp_path / "base" / "words")
    assert (index.search("red", 5), index.ids(), len(index)) == ([], set(), 0)
    index.close()


def test_it_is_there_when_opened_again_and_gone_when_destroyed(
    make: Callable[[Path], LexicalIndex], tmp_path: Path
) -> None:
    filled(make(tmp_path / "base" / "words")).close()
    index = make(tmp_path / "base" / "words")
    assert index.ids() == set(TEXTS)
    assert [id_ for id_, _ in index.search("问答", 5)] == [5]
    index.destroy()
    again = make(tmp_path / "base" / "words")
    assert len(again) == 0
    again.close()


def test_a_text_of_very_many_words(index: LexicalIndex) -> None:
    index.add([7], [" ".join(f"word{number}" for number in range(7_000))])
    index.flush()
    assert [id_ for id_, _ in index.search("word6000", 5)] == [7]


def test_a_base_keeps_its_words_in_milvus(tmp_path: Path) -> None:
    files = tmp_path / "files"
    with workshop(tmp_path / "home", store={"words": "milvus"}) as shop:
        shop.app.bases.create("papers", "milvus", "toy")
        shop.ingest("papers", files, owl="The owl is called Minerva.", cat="猫的名字叫小白。")
        shop.state("papers")
        assert shop.found("papers", "小白是谁")[0] == ("cat.txt", "猫的名字叫小白。")
        shop.ingest("papers", files, owl=None)
        shop.state("papers")
        words = shop.app.bases.open("papers").files.lexical
        assert words.is_dir()
        shop.app.bases.delete("papers")
        assert not words.exists()


def test_words_move_into_milvus_at_the_next_ingest(tmp_path: Path) -> None:
    files = tmp_path / "files"
    with workshop(tmp_path / "home") as shop:
        shop.app.bases.create("papers", "faiss", "toy")
        shop.ingest("papers", files, owl="The owl is called Minerva.")
    with workshop(tmp_path / "home", store={"words": "milvus"}) as shop:
        shop.app.ingest.pipeline("papers").run([files])
        shop.state("papers")
        assert shop.found("papers", "Minerva")[0][0] == "owl.txt"
        assert shop.toy.embedded == [], "the vectors stay"
