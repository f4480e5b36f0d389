"""The words of a PDF page with their places."""

from contextlib import closing
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.pdf.words import Word, lines_of, text_of, words_of
from tests.unit.loaders.pdf.writer import Placed, write_pdf


def _words(folder: Path, lines: list[Placed], font: str = "") -> list[Word]:
    write_pdf(folder / "a.pdf", [lines], font=font)
    with closing(pypdfium2.PdfDocument(folder / "a.pdf")) as document:
        return words_of(document[0].get_textpage())


def test_each_word_stands_where_it_was_written(tmp_path: Path) -> None:
    first, second, third = _words(tmp_path, [(10, 72, 700, "two words"), (20, 300, 500, "large")])
    assert [each.text for each in (first, second, third)] == ["two", "words", "large"]
    assert first.left == pytest.approx(72, abs=1)
    assert first.right < second.left < first.right + 5
    assert third.left == pytest.approx(300, abs=1)
    assert third.bottom < 500 + 5 < third.top
    assert 1.8 < (third.top - third.bottom) / (first.top - first.bottom) < 2.2


def test_letters_far_apart_are_two_words_and_close_ones_are_one(tmp_path: Path) -> None:
    """A cell's end and the next one's beginning have no blank between them in the file."""
    assert [each.text for each in _words(tmp_path, [(10, 72, 700, "left"), (10, 120, 700, "right")])] == [
        "left",
        "right",
    ]
    assert [each.text for each in _words(tmp_path, [(10, 72, 700, "ab"), (10, 83, 700, "cd")])] == ["abcd"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("di\\001cult and e\\001cient", "difficult and efficient"),
        ("ba\\001ed by a\\001uent", "baffled by affluent"),
    ],
)
def test_letters_drawn_as_one_that_have_no_text(tmp_path: Path, written: str, read: str) -> None:
    widths = "830 " * 31 + "500 " * 95
    words = _words(tmp_path, [(10, 72, 700, written)], f"/FirstChar 1 /LastChar 126 /Widths [{widths}]")
    assert " ".join(word.text for word in words) == read


@pytest.mark.parametrize("width", [400, 1200])
def test_a_glyph_of_another_width_stands_for_nothing(tmp_path: Path, width: int) -> None:
    widths = f"{width} " * 31 + "500 " * 95
    words = _words(tmp_path, [(10, 72, 700, "di\\001cult")], f"/FirstChar 1 /LastChar 126 /Widths [{widths}]")
    assert "ffi" not in "".join(word.text for word in words)


def _word(text: str, left: float, middle: float, height: float = 10) -> Word:
    return Word(text, left, left + 20, middle + height / 2, middle - height / 2, 0)


def test_words_of_a_line_from_left_to_right_and_lines_from_the_top() -> None:
    words = [_word("d", 50, 80), _word("b", 50, 101), _word("c", 10, 80), _word("a", 10, 100)]
    assert text_of(words) == "a b\nc d"


@given(st.permutations([_word(f"{row}.{column}", 30 * column, -20 * row) for row in range(3) for column in range(3)]))
def test_the_order_of_the_file_does_not_count(words: list[Word]) -> None:
    assert [[word.text for word in line] for line in lines_of(words)] == [
        [f"{row}.{column}" for column in range(3)] for row in range(3)
    ]


def test_a_small_index_belongs_to_its_line() -> None:
    assert text_of([_word("H", 0, 100), _word("2", 21, 98, 6), _word("O", 42, 100)]) == "H 2 O"
