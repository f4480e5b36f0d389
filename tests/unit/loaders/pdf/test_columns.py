"""Columns of prose that a file holds row by row."""

from contextlib import closing
from pathlib import Path

import pypdfium2

from loaders.pdf.lines import column_lines, may_be_interleaved
from loaders.pdf.words import Word
from tests.unit.loaders.pdf.writer import Placed, write_pdf


def _is_interleaved(folder: Path, lines: list[Placed]) -> bool:
    write_pdf(folder / "a.pdf", [lines])
    with closing(pypdfium2.PdfDocument(folder / "a.pdf")) as document:
        return may_be_interleaved(document[0].get_textpage())


def _rows(count: int) -> list[Placed]:
    return [
        placed
        for n in range(count)
        for placed in (
            (10, 72, 700 - 12 * n, f"left{n} words that fill the first column,"),
            (10, 320, 700 - 12 * n, f"right{n} words that fill the second one,"),
        )
    ]


def test_two_columns_written_row_by_row(tmp_path: Path) -> None:
    assert _is_interleaved(tmp_path, [(16, 72, 740, "A heading over both of the columns"), *_rows(12)])


def test_columns_written_one_after_the_other_are_as_they_should_be(tmp_path: Path) -> None:
    rows = _rows(12)
    assert not _is_interleaved(tmp_path, [*rows[::2], *rows[1::2]])


def test_a_few_cells_side_by_side_are_no_columns(tmp_path: Path) -> None:
    prose: list[Placed] = [
        (10, 72, 500 - 12 * n, "A line of prose over the whole width of the page.") for n in range(20)
    ]
    assert not _is_interleaved(tmp_path, [*_rows(4), *prose])


def _line(left: float, middle: float, text: str) -> list[Word]:
    """Make words of five letters with blanks of five points between them."""
    return [
        Word(word, left + 30 * n, left + 30 * n + 25, middle + 5, middle - 5, 0) for n, word in enumerate(text.split())
    ]


def test_the_left_column_is_read_before_the_right_one() -> None:
    words = [
        word
        for n in range(8)
        for side, left in (("left", 0), ("right", 300))
        for word in _line(left, 500 - 12 * n, f"{side}{n} abcde fghij klmno pqrst uvwxy")
    ]
    found = column_lines(words)
    assert found is not None
    assert [line[0].text for line in found] == [f"{side}{n}" for side in ("left", "right") for n in range(8)]
    assert all(len(line) == 6 for line in found)


def test_rows_of_a_table_are_no_columns() -> None:
    words = [word for n in range(8) for left in (0, 200, 400) for word in _line(left, 500 - 12 * n, f"{n}abcd")]
    assert column_lines(words) is None


def test_one_column_needs_no_order() -> None:
    assert column_lines([word for n in range(8) for word in _line(0, 500 - 12 * n, "abcde fghij")]) is None
