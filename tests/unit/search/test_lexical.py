"""BM25 on disk."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.errors import StorageError, StorageFull
from kb_server.search.lexical import TantivyIndex
from tests.small_disk import fill, small_disk_at

TEXTS = {1: "red apple", 2: "red red apple tart", 3: "green pear"}


@pytest.fixture
def index() -> Iterator[TantivyIndex]:
    made = _filled(TEXTS)
    yield made
    made.close()


def _filled(texts: dict[int, str], folder: Path | None = None) -> TantivyIndex:
    made = TantivyIndex(folder)
    made.add(list(texts), list(texts.values()))
    made.flush()
    return made


def _ids(found: Sequence[tuple[int, float]]) -> list[int]:
    return [id_ for id_, _ in found]


def _idf(total: int, count: int) -> float:
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def test_scores_are_bm25_over_its_highest_value(index: TantivyIndex) -> None:
    red, tart = _idf(3, 2), _idf(3, 1)

    def bm25(idf: float, count: int, length: int) -> float:
        return idf * 2.2 * count / (count + 1.2 * (0.25 + 0.75 * length / (8 / 3)))

    most = 2.2 * (red + tart)
    expected = [(2, (bm25(red, 2, 4) + bm25(tart, 1, 4)) / most), (1, bm25(red, 1, 2) / most)]
    found = index.search("red tart", 10)
    assert _ids(found) == [2, 1]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], rel=1e-5)
    assert index.weights("red tart") == pytest.approx({"red": red, "tart": tart})


def test_a_repeated_word_of_the_question_counts_once(index: TantivyIndex) -> None:
    assert index.search("red red red tart", 3) == index.search("red tart", 3)


def test_adding_again_replaces(index: TantivyIndex) -> None:
    index.add([1], ["blue plum"])
    index.flush()
    assert _ids(index.search("red", 5)) == [2]
    assert _ids(index.search("plum", 5)) == [1]
    assert len(index) == 3


def test_delete(index: TantivyIndex) -> None:
    index.delete([2, 99])
    index.flush()
    assert _ids(index.search("red", 5)) == [1]
    assert index.ids() == {1, 3}
    index.delete([])
    assert len(index) == 2


def test_only_allowed_ids(index: TantivyIndex) -> None:
    everything = dict(index.search("red", 5))
    assert dict(index.search("red", 5, [1, 3])) == pytest.approx({1: everything[1]})
    assert index.search("red", 5, []) == []
    assert index.search("red", 0) == []


def test_nothing_in_common_is_no_hit(index: TantivyIndex) -> None:
    assert index.search("violin", 5) == []
    assert index.search("?!", 5) == []
    assert index.search("", 5) == []


def test_ties_go_to_the_lower_id() -> None:
    index = _filled({5: "plum", 3: "plum", 4: "plum"})
    assert _ids(index.search("plum", 3)) == [3, 4, 5]


def test_another_object_sees_what_is_flushed(tmp_path: Path) -> None:
    writer, reader = _filled(TEXTS, tmp_path / "words"), TantivyIndex(tmp_path / "words")
    assert reader.ids() == {1, 2, 3}
    writer.add([4], ["purple grape"])
    assert reader.search("grape", 5) == []
    writer.flush()
    assert _ids(reader.search("grape", 5)) == [4]
    writer.close()
    assert len(TantivyIndex(tmp_path / "words")) == 4


def test_what_is_not_flushed_is_dropped(tmp_path: Path) -> None:
    writer = _filled(TEXTS, tmp_path / "words")
    writer.add([4], ["purple grape"])
    writer.close()
    assert TantivyIndex(tmp_path / "words").ids() == {1, 2, 3}


def test_chinese_is_found_by_pairs() -> None:
    index = _filled({1: "本地知识库问答系统", 2: "问题与回答", 3: "天气预报"})
    assert _ids(index.search("知识库怎么问答？", 5)) == [1]
    assert index.search("库答", 5) == []
    assert index.search("问", 5) == []


def test_case_width_and_endings_do_not_matter() -> None:
    index = _filled({1: "He was running home", 2: "ＧＰＵ memory"})
    assert _ids(index.search("RUNS", 5)) == [1]
    assert _ids(index.search("gpu memories", 5)) == [2]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("ab ", max_size=30), min_size=1, max_size=8), st.text("ab ", max_size=8))
def test_scores_lie_between_0_and_1_in_order(texts: list[str], question: str) -> None:
    index = _filled(dict(enumerate(texts)))
    scores = [score for _, score in index.search(question, 20)]
    assert all(0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    index.close()


@pytest.mark.parametrize("left", [0, 8_192, 60_000, 400_000])
def test_a_full_disk_is_told_and_the_same_calls_work_later(tmp_path: Path, left: int) -> None:
    """Tantivy gives only texts, another one for each place in which it finds the disk full."""
    texts = {id_: " ".join(f"word{id_}x{number}" for number in range(60)) for id_ in range(2, 2_500)}
    with small_disk_at(tmp_path / "disk", 8) as disk:
        index = _filled({1: "red apple"}, disk / "words")
        ballast = fill(disk, left)
        with pytest.raises(StorageFull, match="No space is left for the word index"):
            _add_and_flush(index, texts)
        index.close()
        assert _ids(index.search("apple", 5)) == [1]
        ballast.unlink()
        _add_and_flush(index, texts)
        assert len(index) == len(texts) + 1
        index.close()


@pytest.mark.parametrize("left", [0, 8_192])
def test_a_new_index_on_a_full_disk(tmp_path: Path, left: int) -> None:
    with small_disk_at(tmp_path / "disk", 1) as disk:
        fill(disk, left)
        with pytest.raises(StorageFull):
            _filled(TEXTS, disk / "words")


def test_a_damaged_index_is_not_a_full_disk(tmp_path: Path) -> None:
    _filled(TEXTS, tmp_path).close()
    (tmp_path / "meta.json").write_text("{", "utf-8")
    with pytest.raises(StorageError, match="cannot be used") as caught:
        TantivyIndex(tmp_path)
    assert not isinstance(caught.value, StorageFull)


class _SlowWriter:
    """A writer whose commit waits until it is let go."""

    def __init__(self, writer: Any) -> None:  # noqa: ANN401 - tantivy has no types
        self._writer = writer
        self.begun, self.go_on = Event(), Event()

    def commit(self) -> None:
        self.begun.set()
        assert self.go_on.wait(20)
        self._writer.commit()


def test_a_commit_that_waits_for_the_disk_holds_up_no_search(tmp_path: Path) -> None:
    index = _filled(TEXTS, tmp_path)
    index.add([4], ["purple grape"])
    slow = _SlowWriter(index._writer)
    index._writer = cast("Any", slow)
    with ThreadPoolExecutor(2) as threads:
        flushing = threads.submit(index.flush)
        assert slow.begun.wait(20)
        try:
            assert _ids(threads.submit(index.search, "tart", 5).result(5)) == [2]
        finally:
            slow.go_on.set()
        flushing.result(20)
    assert _ids(index.search("grape", 5)) == [4]


def _add_and_flush(index: TantivyIndex, texts: dict[int, str]) -> None:
    index.add(list(texts), list(texts.values()))
    index.flush()
