"""Slices cover the document, keep to their size and to their section."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.domain import Document, Slice
from kb_server.text.tokens import count_tokens
from loaders.builder import DocumentBuilder
from loaders.split.splitter import SentenceSplitter

_WORDS = st.text("ab中文，。. ;\n", max_size=80)
_CALL = st.tuples(
    st.sampled_from(["heading", "paragraph", "lines", "items", "table", "code"]), _WORDS, st.integers(0, 3)
)


def _document(calls: list[tuple[str, str, int]]) -> Document:
    builder = DocumentBuilder("x")
    for method, text, level in calls:
        if method == "heading":
            builder.heading(level, text)
        elif method == "table":
            builder.table([line.split(";") for line in text.split("\n")])
        elif method == "items":
            builder.items(text.split("\n"))
        else:
            getattr(builder, method)(text, page=level)
    return builder.build()


def _texts(document: Document, slices: list[Slice]) -> list[str]:
    return [document.text[each.start : each.end] for each in slices]


@settings(deadline=None)
@given(st.lists(_CALL, max_size=10), st.integers(1, 30), st.integers(0, 29))
def test_slices_cover_everything_in_order_within_the_size(
    calls: list[tuple[str, str, int]], size: int, overlap: int
) -> None:
    document = _document(calls)
    slices = SentenceSplitter(size, min(overlap, size - 1)).split(document)
    covered = {index for each in slices for index in range(each.start, each.end)}
    assert all(index in covered or character.isspace() for index, character in enumerate(document.text))
    assert [(each.start, each.end) for each in slices] == sorted((each.start, each.end) for each in slices)
    for text in _texts(document, slices):
        assert text
        assert text == text.strip()
        assert count_tokens(text) <= size + size // 4


@given(st.text(), st.text())
def test_tokens_of_a_whole_are_at_most_those_of_its_parts(first: str, second: str) -> None:
    assert count_tokens(first + second) <= count_tokens(first) + count_tokens(second)


def _sections(*sizes: int) -> Document:
    builder = DocumentBuilder("x")
    builder.heading(1, "Top")
    for number, size in enumerate(sizes):
        builder.heading(2, f"Section {number}")
        builder.paragraph("Word word word word. " * (size // 5))
    return builder.build()


def test_a_slice_stays_in_its_section_and_begins_with_its_heading() -> None:
    document = _sections(60, 60)
    slices = SentenceSplitter(100, 20).split(document)
    assert [text.split("\n")[0] for text in _texts(document, slices)] == ["Top", "Section 1"]
    assert [each.heading_path for each in slices] == [("Top", "Section 0"), ("Top", "Section 1")]


def test_tiny_sections_go_with_the_next() -> None:
    document = _sections(5, 5, 60)
    slices = SentenceSplitter(100, 20).split(document)
    assert len(slices) == 1
    assert slices[0].heading_path == ("Top",)


def test_whole_sentences_overlap_where_prose_is_cut() -> None:
    builder = DocumentBuilder("x")
    builder.paragraph(" ".join(f"Sentence number {n} is here." for n in range(40)))
    builder.items([f"Item number {n} is here." for n in range(40)])
    document = builder.build()
    texts = _texts(document, SentenceSplitter(50, 10).split(document))
    prose = [text for text in texts if text.startswith("Sentence") and "Item" not in text]
    for before, after in pairwise(prose):
        assert before.endswith(after[: after.index(".") + 1])
    assert sum(text.count("Item number 7 ") for text in texts) == 1


def test_rows_and_items_are_not_cut() -> None:
    builder = DocumentBuilder("x")
    builder.table([["Name", "City", "Age"], *([f"n{n}", f"c{n}", f"{n}"] for n in range(50))])
    document = builder.build()
    for text in _texts(document, SentenceSplitter(40, 10).split(document)):
        assert all(line.startswith("Name: ") and "; Age: " in line for line in text.split("\n"))


@pytest.mark.parametrize("text", ["a" * 400_000, "中文，" * 130_000, "word " * 80_000, "Hello world. " * 30_000])
def test_a_long_line_takes_linear_time(text: str) -> None:
    builder = DocumentBuilder("x")
    builder.paragraph(text)
    started = time.monotonic()
    assert SentenceSplitter().split(builder.build())
    assert time.monotonic() - started < 10


def test_blanks_in_a_long_line_of_code_move_nothing() -> None:
    builder = DocumentBuilder("x")
    builder.code("total = compute( 1,    2,    3)   #   " * 30)
    document = builder.build()
    texts = _texts(document, SentenceSplitter(20, 0).split(document))
    assert "".join("".join(texts).split()) == "".join(document.text.split())


def test_sizes_are_checked() -> None:
    with pytest.raises(ValueError, match="overlap"):
        SentenceSplitter(10, 10)
