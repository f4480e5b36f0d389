"""Texts that say the same words: which ones do, and that they are found among many."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.text.near_duplicates import Buckets, keys, says_all_of, words

LONG = "The pump in the north hall is checked by two engineers before each shift, and what they find is written down. "


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        ("The  pump,\nin the North hall!", "the pump in the north hall"),
        ("Ｔｈｅ ﬁre door", "The fire door"),
        ("水泵每天检查，由两名工程师负责。", "水泵每天检查由两名工程师负责"),
        (LONG + "Really it is so.", LONG + "It is so."),
    ],
)
def test_says_the_same(original: str, copy: str) -> None:
    assert says_all_of(words(original), words(copy))
    assert set(keys(words(original))) & set(keys(words(copy)))


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        (LONG + "It rose by 4%.", LONG + "It rose by 5%."),
        (LONG + "It was not found.", LONG + "It was found."),
        (LONG + "未发现故障。", LONG + "发现故障。"),
        (LONG + "Alice signed.", LONG + "Bob signed."),
        (LONG + "x > y", LONG + "x < y"),
        ("At -5 degrees", "At 5 degrees"),
        (LONG, LONG + "One word more."),
        (LONG + LONG, LONG),
        (LONG + "in 2024", LONG),
        ("张三签字", "李四签字"),
    ],
)
def test_says_something_else(original: str, copy: str) -> None:
    assert not says_all_of(words(original), words(copy))


@given(st.lists(st.sampled_from("abc not 7 甲 乙".split()), max_size=12), st.data())
def test_the_words_of_a_copy_stand_in_the_original_in_order(original: list[str], data: st.DataObject) -> None:
    copy = data.draw(st.lists(st.sampled_from("abc not 7 甲".split()), max_size=12))
    kept = iter(original)
    is_within = all(word in kept for word in copy)
    assert is_within or not says_all_of(original, copy)
    assert says_all_of(original, original)


def test_near_ones_are_found_among_many_and_the_same_always() -> None:
    chance = random.Random(5)
    vocabulary = [f"w{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]}" for i in range(100)]
    texts = [chance.choices(vocabulary, k=120) for _ in range(20_000)]
    buckets = Buckets()
    for id_, text in enumerate(texts):
        buckets.add(id_, keys(text))
    sample = chance.sample(range(len(texts)), 300)
    assert all(buckets.candidates(keys(texts[id_]))[0] == id_ for id_ in sample)
    shortened = [[word for i, word in enumerate(texts[id_]) if i not in (30, 31)] for id_ in sample]
    found = sum(id_ in buckets.candidates(keys(text)) for id_, text in zip(sample, shortened, strict=True))
    assert found >= 0.97 * len(sample)


def test_the_same_is_found_behind_many_that_are_alike() -> None:
    buckets = Buckets()
    forms = [[*LONG.split(), f"name{i}"] for i in range(200)]
    for id_, form in enumerate(forms):
        buckets.add(id_, keys(form))
    assert buckets.candidates(keys(forms[150]))[0] == 150


def test_nothing_has_no_keys() -> None:
    assert keys(words(" … ")) == ()
