"""A page as a picture, with a quote marked where it stands."""

import base64
import io
import json
from contextlib import closing
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from kb_server.core.errors import LoadError
from loaders.isolate.loader import ReadLimits
from loaders.pdf.page_picture import Box, PagePictures, draw, quote_boxes
from tests.unit.loaders.pdf.writer import Placed, Segment, write_pdf

_LINES: list[Placed] = [(10, 72, 700, "The budget is 4711 euros and"), (10, 72, 688, "not a cent more.")]


def _boxes(folder: Path, lines: list[Placed], quote: str, drawn: list[Segment] | None = None) -> list[Box]:
    write_pdf(folder / "a.pdf", [lines], drawn=[drawn or []])
    with closing(pypdfium2.PdfDocument(folder / "a.pdf")) as document:
        return quote_boxes(document[0], quote)


def test_a_quote_over_two_lines_has_a_box_on_each(tmp_path: Path) -> None:
    first, second = _boxes(tmp_path, _LINES, "4711 euros and not a cent")
    assert first[1] < 705 < first[3] + 5
    assert second[3] < first[1] + 2
    assert first[0] > 120  # "The budget is" stands before it
    assert second[0] == pytest.approx(72, abs=2)


@pytest.mark.parametrize(
    ("quote", "lines"),
    [
        ("THE  Budget\nis", 1),
        ("the bud-get is", 1),
        ("Ｔｈｅ ｂｕｄｇｅｔ", 1),  # full width
        ("the harbour", 0),
        ("the", 0),  # too few letters to be sure
        ("", 0),
    ],
)
def test_spaces_hyphens_width_and_case_do_not_count(tmp_path: Path, quote: str, lines: int) -> None:
    assert len(_boxes(tmp_path, _LINES, quote)) == lines


def test_cells_of_a_table_are_marked_one_by_one(tmp_path: Path) -> None:
    cells: list[Placed] = [(10, 72, 700, "MiniLM model"), (10, 300, 700, "90 MB large"), (10, 72, 600, "unquoted")]
    assert len(_boxes(tmp_path, cells, "90 MB large | MiniLM model")) == 2


def _drawn(folder: Path, quote: str, width: int = 400, page: int = 1) -> tuple[Image.Image, int]:
    write_pdf(folder / "a.pdf", [_LINES, []])
    document = draw(folder / "a.pdf", json.dumps([page, quote, width]))
    return Image.open(io.BytesIO(base64.b64decode(document.text))).convert("RGB"), document.pages or 0


def test_the_picture_is_as_wide_as_asked_and_yellow_where_the_quote_is(tmp_path: Path) -> None:
    picture, marks = _drawn(tmp_path, "4711 euros")
    assert (picture.size, marks) == ((400, round(400 * 792 / 612)), 1)
    yellow = {
        (x, y)
        for x in range(picture.width)
        for y in range(picture.height)
        if picture.getpixel((x, y)) == (255, 236, 130)
    }
    scale = 400 / 612
    assert yellow
    assert min(y for _, y in yellow) > (792 - 715) * scale
    assert max(y for _, y in yellow) < (792 - 690) * scale


def test_a_quote_that_is_not_there_marks_nothing(tmp_path: Path) -> None:
    picture, marks = _drawn(tmp_path, "the harbour")
    assert marks == 0
    assert (255, 236, 130) not in {colour for _, colour in picture.getcolors(1 << 20) or []}


def test_a_page_too_large_is_drawn_smaller(tmp_path: Path) -> None:
    picture, _ = _drawn(tmp_path, "", width=100_000)
    assert max(picture.size) <= 4000


def test_a_page_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"There is no page 3; the last is 2\."):
        _drawn(tmp_path, "", page=3)


def test_it_is_drawn_in_a_process_of_its_own(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", [_LINES], password="open sesame")  # noqa: S106 - of this file alone
    with closing(PagePictures(ReadLimits(seconds=30), ["open sesame"])) as pictures:
        drawn = pictures.picture(tmp_path / "a.pdf", 1, "not a cent more", 200)
        assert (drawn.png[:4], drawn.marks) == (b"\x89PNG", 1)
        with pytest.raises(LoadError, match="There is no page 2"):
            pictures.picture(tmp_path / "a.pdf", 2, "", 200)
