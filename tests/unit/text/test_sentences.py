"""Where sentences end."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.text.sentences import sentence_spans, sentences


@pytest.mark.parametrize(
    "expected",
    [
        ["It rained.", "Was it cold?", "Yes!", "no end"],
        ["Dr. Smith met Mr. Jones, Ph.D. and others.", "They talked."],
        ["See Fig. 3 and Sec. b, e.g. the first.", "Then stop."],
        ["It costs 3.5 dollars.", "Version 1.2.3 is out."],
        ["J. R. R. Tolkien wrote it.", "He lived in Oxford."],
        ["1. Open the box.", "2. Close it."],
        ["The answer is 42.", "Nobody knows why."],
        ['"Stop."', "He went on."],
        ["(It was late.)", "They slept."],
        ["Write to a.b@example.org or see example.org/x.html now.", "Done."],
    ],
)
def test_english(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["今天下雨。", "明天晴！", "你去吗？", "去"],
        ["“你好。”", "他说完就走了。"],
        ["（见上文。）", "下一句；", "再一句……", "完。"],
        ["版本1.5发布了。", "价格是3.5元。"],
        ["他用了GPU.", "很快。"],
        ["「はい。」", "終わり。"],
    ],
)
def test_chinese(expected: list[str]) -> None:
    assert sentences("".join(expected)) == expected


def test_a_newline_ends_a_sentence() -> None:
    assert sentences("first item\nsecond item\n\n  third  \n") == ["first item", "second item", "third"]


@pytest.mark.parametrize("text", ["", " \n\t ", "\n\n"])
def test_nothing(text: str) -> None:
    assert sentence_spans(text) == []


@given(st.text() | st.text('ab1A .!?。！\n"”)…', max_size=60))
def test_spans_are_ordered_trimmed_and_leave_white_space_only(text: str) -> None:
    end = 0
    for start, stop in sentence_spans(text):
        assert end <= start < stop
        assert not text[end:start].strip()
        assert text[start:stop] == text[start:stop].strip()
        end = stop
    assert not text[end:].strip()


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "a." * 500_000,
        "a. " * 333_333,
        "Mr. " * 250_000,
        "1. " * 333_333,
        "。" * 1_000_000,
        " " * 1_000_000,
        "a." + " " * 1_000_000 + "b",
        "\n" * 1_000_000,
        "." + '"' * 1_000_000 + "x",
        "." * 60_000 + "x",  # the leader of a table of contents, only longer
    ],
    ids=lambda text: f"{text[:3]!r}",
)
def test_a_long_text_takes_linear_time(text: str) -> None:
    started = time.perf_counter()
    sentence_spans(text)
    assert time.perf_counter() - started < 5
