"""PDF pages that are only pictures, and pictures between text."""

from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from kb_server.core.domain import BlockKind
from loaders import load
from loaders.isolate.progress import listening
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
        document = load(path, "scan.pdf")
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
    found = load(path, "b.pdf")
    pictures = [block for block in found.blocks if block.kind is BlockKind.IMAGE]
    assert [block.page for block in pictures] == [1]
    assert "4711" in found.text[pictures[0].start : pictures[0].end]
    assert "What stands in the text layer." in found.text
    skipped = load(path, "b.pdf", pictures=False)
    assert "4711" not in skipped.text


@pytest.mark.parametrize("x", [700, -500, 560], ids=["right of the page", "left of it", "all but a strip"])
def test_a_picture_that_nobody_sees_is_passed_over(tmp_path: Path, x: int) -> None:
    found = load(_with_picture(tmp_path, x), "b.pdf")
    assert found.text.split("\n\n") == ["What stands in the text layer."] * 2


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_picture_on_a_turned_page_is_read_as_it_is_seen(tmp_path: Path, turn: int) -> None:
    turn_pages(_with_picture(tmp_path, 72), tmp_path / "c.pdf", turn)
    assert load(tmp_path / "c.pdf", "a.pdf") == load(tmp_path / "b.pdf", "a.pdf")
