"""The lines of a PDF page: where they stand, how large they are, what is bold."""

from contextlib import closing
from pathlib import Path

import pypdfium2
import pytest

from loaders.pdf.lines import LINE_END_HYPHEN, PageLines, page_lines
from tests.unit.loaders.pdf.writer import Placed, write_pdf


def _page(folder: Path, lines: list[Placed], more: str = "", font: str = "") -> PageLines:
    write_pdf(folder / "a.pdf", [lines], more=more, font=font)
    with closing(pypdfium2.PdfDocument(folder / "a.pdf")) as document:
        return page_lines(document[0], 3)


def test_where_lines_stand_and_how_large_they_are(tmp_path: Path) -> None:
    page = _page(tmp_path, [(20, 72, 720, "A Title"), (10, 90, 690, "Some text")])
    assert (page.number, page.height) == (3, 792)
    title, text = page.lines
    assert (title.text, title.size, text.text, text.size) == ("A Title", 20, "Some text", 10)
    assert title.left == pytest.approx(72, abs=2)
    assert text.left == pytest.approx(90, abs=2)
    assert title.bottom < 720 < title.top < 750
    assert 90 < text.right < 150


def test_the_size_is_the_one_on_the_page(tmp_path: Path) -> None:
    """Many programs set size 1 and scale the text by its matrix, or the whole page."""
    page = _page(tmp_path, [], more="BT /F1 1 Tf 18 0 0 18 72 700 Tm (Scaled) Tj ET")
    assert [round(line.size) for line in page.lines] == [18]
    turned = _page(tmp_path, [], more="0.5 0 0 0.5 0 0 cm BT /F1 24 Tf 72 700 Td (Half) Tj ET")
    assert [round(line.size) for line in turned.lines] == [12]


def test_bold_is_what_the_font_says(tmp_path: Path) -> None:
    font = "/FontDescriptor << /Type /FontDescriptor /FontName /Helvetica /Flags 262176 /StemV 160 /FontWeight 700 >>"
    assert [line.bold for line in _page(tmp_path, [(10, 72, 700, "x")]).lines] == [False]
    assert [line.bold for line in _page(tmp_path, [(10, 72, 700, "x")], font=font).lines] == [True]


def test_a_line_in_parts_and_with_a_raised_number_is_one_line(tmp_path: Path) -> None:
    parts: list[Placed] = [(10, 72, 700, "The first"), (12, 118, 700, "second"), (6, 158, 704, "1"), (10, 72, 680, "x")]
    first, second = _page(tmp_path, parts).lines
    assert (first.text, second.text) == ("The first second1", "x")
    assert first.left < 73
    assert first.right > 158
    assert (first.size, second.size) == (10, 10)


def test_a_word_divided_at_the_end_of_a_line_keeps_the_mark(tmp_path: Path) -> None:
    page = _page(tmp_path, [(10, 72, 700, "inter-"), (10, 72, 688, "national")])
    assert "".join(line.text for line in page.lines) == f"inter{LINE_END_HYPHEN}national"


def test_text_outside_of_the_page_is_not_on_it(tmp_path: Path) -> None:
    lines: list[Placed] = [(10, 72, 700, "On the page."), (10, 900, 600, "Beside it."), (10, 72, -40, "Below it.")]
    assert [line.text for line in _page(tmp_path, lines).lines] == ["On the page."]


def test_columns_written_row_by_row_are_read_one_after_the_other(tmp_path: Path) -> None:
    rows: list[Placed] = [(16, 72, 740, "A heading over both of the columns")]
    for n in range(12):
        rows.append((10, 72, 700 - 12 * n, f"left{n} words that fill the first column,"))
        rows.append((10, 320, 700 - 12 * n, f"right{n} words that fill the second one,"))
    texts = [line.text for line in _page(tmp_path, rows).lines]
    assert texts[0].startswith("A heading")
    assert [text.split()[0] for text in texts[1:]] == [f"{side}{n}" for side in ("left", "right") for n in range(12)]


def test_a_page_without_text_has_no_lines(tmp_path: Path) -> None:
    page = _page(tmp_path, [], more="10 10 100 100 re f")
    assert (page.lines, page.tables, page.height) == ([], [], 792)
