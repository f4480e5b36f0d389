"""PDF files are opened, or it is said why not; turned pages stand upright."""

from contextlib import closing
from pathlib import Path

import pypdfium2
import pytest

from kb_server.core.errors import LoadError
from loaders.pdf.opening import opened_pdf, upright_page
from tests.unit.loaders.pdf.writer import turn_pages, write_pdf


def test_the_first_password_that_fits_opens_it(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", [[(10, 72, 700, "x")]], password="open sesame")  # noqa: S106 - of this file alone
    with closing(opened_pdf(tmp_path / "a.pdf", "a.pdf", ["wrong", "open sesame", "unused"])) as document:
        assert document[0].get_textpage().get_text_range() == "x"


@pytest.mark.parametrize("tried", [[], ["wrong"]])
def test_without_it_the_setting_is_named(tmp_path: Path, tried: list[str]) -> None:
    write_pdf(tmp_path / "a.pdf", [[(10, 72, 700, "x")]], password="open sesame")  # noqa: S106 - of this file alone
    with pytest.raises(LoadError, match=r"'a\.pdf' is protected by a password\. .*loading\.passwords"):
        opened_pdf(tmp_path / "a.pdf", "a.pdf", tried)


@pytest.mark.parametrize("content", [b"", b"plain words", b"%PDF-1.4 and then nothing"])
def test_what_is_no_pdf_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pdf").write_bytes(content)
    with pytest.raises(LoadError, match=r"'a\.pdf' is a damaged PDF\. Export or download it again"):
        opened_pdf(tmp_path / "a.pdf", "a.pdf", ["unused"])


def _letter_boxes(path: Path) -> list[tuple[float, ...]]:
    with closing(opened_pdf(path, "a.pdf")) as document, closing(upright_page(document, 0)) as page:
        assert (page.get_size(), page.get_rotation()) == ((612, 792), 0)
        text = page.get_textpage()
        return [text.get_charbox(index) for index in range(text.count_chars())]


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_on_a_turned_page_letters_stand_where_they_are_seen(tmp_path: Path, turn: int) -> None:
    write_pdf(tmp_path / "a.pdf", [[(10, 72, 700, "words"), (20, 300, 30, "below")]])
    turn_pages(tmp_path / "a.pdf", tmp_path / "b.pdf", turn)
    for upright, turned in zip(_letter_boxes(tmp_path / "a.pdf"), _letter_boxes(tmp_path / "b.pdf"), strict=True):
        assert turned == pytest.approx(upright, abs=0.01)


def test_a_page_whose_box_does_not_begin_at_nought(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", [[(10, 172, 300, "words")]])
    with closing(pypdfium2.PdfDocument(tmp_path / "a.pdf")) as document:
        page = document[0]
        page.set_mediabox(100, 200, 500, 800)
        page.set_rotation(90)
        page.gen_content()
        document.save(tmp_path / "b.pdf")
    with closing(opened_pdf(tmp_path / "b.pdf", "b.pdf")) as document:
        page = upright_page(document, 0)
        assert page.get_size() == (600, 400)
        left, bottom, *_ = page.get_textpage().get_charbox(0, loose=True)
        assert 90 < left < 105  # 300 - 200, the height that became the way from the left
        assert 320 < bottom < 340  # 400 - (172 - 100), and the letter hangs below
