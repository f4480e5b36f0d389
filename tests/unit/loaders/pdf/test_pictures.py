"""PDF pages that are only pictures, and pictures between text."""

from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from kb_server.core.domain import BlockKind
from loaders.isolate.progress import listening
from loaders.pdf.lines import Line, PageLines
from loaders.pdf.loader import PdfLoader, as_lines, has_content, pictures, render, scale_of
from loaders.pictures.ocr import OcrLine
from loaders.pictures.reading_order import Box
from tests.unit.loaders.pdf.writer import Placed, turn_pages, write_pdf

pytest.importorskip("rapidocr", reason="OCR is an extra")

LINES: list[Placed] = [(16, 72, 700, "Quarterly report of the lighthouse"), (16, 72, 660, "Keepers counted 4711 ships")]


def picture_of(folder: Path, lines: list[Placed]) -> Image.Image:
    path = folder / "source.pdf"
    write_pdf(path, [lines])
    document = pypdfium2.PdfDocument(path)
    picture: Image.Image = document[0].render(scale=2).to_pil().convert("RGB")
    document.close()
    return picture


def test_a_scanned_page_is_read_and_keeps_its_number(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    scan = picture_of(tmp_path, LINES)
    scan.save(path, save_all=True, append_images=[Image.new("RGB", scan.size, "white"), scan.crop((0, 0, 1200, 160))])
    heard: list[tuple[int, int]] = []
    with listening(lambda number, total: heard.append((number, total))):
        document = PdfLoader().load(path, "scan.pdf")
    assert "lighthouse" in document.text
    assert "4711" in document.text
    assert {block.page for block in document.blocks if "4711" in document.text[block.start : block.end]} == {1}
    assert document.pages == 3
    assert {total for _, total in heard} == {3}


def _with_picture(folder: Path, x: int) -> Path:
    """Write two pages of text with the same picture, its left edge at `x` points."""
    path = folder / "a.pdf"
    write_pdf(path, [[(10, 72, 740, "What stands in the text layer.")]] * 2)
    picture = picture_of(folder, LINES).crop((100, 100, 900, 320))
    picture.save(folder / "p.jpg", quality=95)
    document = pypdfium2.PdfDocument(path)
    for page in document:
        image = pypdfium2.PdfImage.new(document)
        image.load_jpeg(folder / "p.jpg")
        image.set_matrix(pypdfium2.PdfMatrix().scale(400, 110).translate(x, 500))
        page.insert_obj(image)
        page.gen_content()
    document.save(folder / "b.pdf")
    document.close()
    return folder / "b.pdf"


def test_a_picture_between_text_is_read_once(tmp_path: Path) -> None:
    path = _with_picture(tmp_path, 72)
    found = PdfLoader().load(path, "b.pdf")
    pictures = [block for block in found.blocks if block.kind is BlockKind.IMAGE]
    assert [block.page for block in pictures] == [1]
    assert "4711" in found.text[pictures[0].start : pictures[0].end]
    assert "What stands in the text layer." in found.text
    skipped = PdfLoader(pictures=False).load(path, "b.pdf")
    assert "4711" not in skipped.text


@pytest.mark.parametrize("x", [700, -500, 560], ids=["right of the page", "left of it", "all but a strip"])
def test_a_picture_that_nobody_sees_is_passed_over(tmp_path: Path, x: int) -> None:
    found = PdfLoader().load(_with_picture(tmp_path, x), "b.pdf")
    assert found.text.split("\n\n") == ["What stands in the text layer."] * 2


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_picture_on_a_turned_page_is_read_as_it_is_seen(tmp_path: Path, turn: int) -> None:
    turn_pages(_with_picture(tmp_path, 72), tmp_path / "c.pdf", turn)
    assert PdfLoader().load(tmp_path / "c.pdf", "a.pdf") == PdfLoader().load(tmp_path / "b.pdf", "a.pdf")


def test_what_was_read_in_pixels_from_above_stands_in_points_from_below() -> None:
    """At 2 pixels a point, on a page of 792 points; the size is three quarters of the box."""
    (line,) = as_lines([OcrLine("x", Box(144, 100, 344, 120), 0.9)], 792, 2.0)
    assert (line.left, line.right) == (72, 172)
    assert (line.top + line.bottom) / 2 == 792 - 55
    assert line.size == pytest.approx(7.5)


def test_boxes_that_vary_with_their_letters_have_one_size_and_headings_their_own() -> None:
    read = [
        OcrLine("x", Box(0, top, 100, top + height), 0.9) for top, height in [(0, 20), (30, 22), (60, 18), (90, 40)]
    ]
    sizes = [line.size for line in as_lines(read, 792, 1.0)]
    assert sizes[0] == sizes[1] == sizes[2] < sizes[3]
    assert as_lines([], 792, 1.0) == []


@pytest.mark.parametrize(("side", "scale"), [(792, 2.0), (2000, 2.0), (4000, 1.0), (8000, 0.5)])
def test_no_side_of_a_rendered_page_exceeds_4000_pixels(tmp_path: Path, side: int, scale: float) -> None:
    write_pdf(tmp_path / "a.pdf", [[(10, 72, 700, "x")]])
    document = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    page = document[0]
    page.set_mediabox(0, 0, 100, side)
    assert scale_of(page) == pytest.approx(scale)
    assert render(page).size == (round(100 * scale), round(side * scale))
    document.close()


def test_an_empty_page_has_no_content(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", [[], [(10, 72, 700, "x")]])
    document = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    assert [has_content(page) for page in document] == [False, True]
    document.close()


def test_a_picture_under_a_text_layer_is_not_read_again(tmp_path: Path) -> None:
    """A scan that OCR has been over already: three lines of text lie on its picture."""
    document = pypdfium2.PdfDocument(_with_picture(tmp_path, 72))
    lines = [Line("x", 100, 200, 550 + 10 * n, 540 + 10 * n, 10, bold=False) for n in range(3)]
    assert len(list(pictures(document[0], PageLines(1, 792, lines[:2]), set()))) == 1
    assert list(pictures(document[0], PageLines(1, 792, lines), set())) == []
    seen: set[bytes] = set()
    (picture,) = pictures(document[0], PageLines(1, 792, []), seen)
    assert picture.size == (800, 220)
    assert list(pictures(document[1], PageLines(2, 792, []), seen)) == []
    document.close()
