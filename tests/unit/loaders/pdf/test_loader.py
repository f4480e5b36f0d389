"""PDF files, written by hand."""

from pathlib import Path

import pytest

from kb_server.core.domain import BlockKind
from kb_server.core.errors import LoadError
from loaders.pdf.loader import PdfLoader
from tests.unit.loaders.pdf.writer import turn_pages, write_pdf


def test_pages_headings_and_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    body = "The quick brown fox jumps over the lazy dog and runs"
    first = [
        (20, 72, 720, "A Title"),
        (10, 72, 690, body),
        (10, 72, 678, "away from it."),
        (10, 72, 650, body),
        (10, 72, 638, "home again to sleep until the next day breaks over us."),
    ]
    write_pdf(path, [first, [(10, 72, 700, body)]])
    document = PdfLoader().load(path, "a.pdf")
    assert document.text.split("\n\n") == [
        "A Title",
        f"{body} away from it.",
        f"{body} home again to sleep until the next day breaks over us.",
        body,
    ]
    assert document.pages == 2
    assert [block.page for block in document.blocks] == [1, 1, 1, 2]
    assert document.blocks[-1].heading_path == ("A Title",)


def test_a_sum_in_large_letters_is_no_heading(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    body = [(10, 72, 500 - 12 * n, "The quick brown fox jumps over the lazy dog and runs on.") for n in range(8)]
    write_pdf(path, [[(20, 72, 720, "Revenue"), (16, 72, 680, "7,92,756 crore"), *body]])
    document = PdfLoader().load(path, "a.pdf")
    figure = next(block for block in document.blocks if "crore" in document.text[block.start : block.end])
    assert (figure.kind, figure.heading_path) == (BlockKind.PARAGRAPH, ("Revenue",))


def test_running_lines_stand_once_and_divided_words_join(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    pages = [
        [
            (10, 72, 760, "Annual Report"),
            (10, 72, 700, f"Text {'abcdef'[n]} is about the inter-"),
            (10, 72, 688, "national side of things."),
            (10, 72, 40, "Harbour Office, 2031"),
            (10, 300, 30, f"Page {n + 1}"),
        ]
        for n in range(6)
    ]
    write_pdf(path, pages)
    document = PdfLoader().load(path, "a.pdf")
    said = [f"Text {n} is about the international side of things." for n in "abcdef"]
    assert document.text.split("\n\n") == ["Annual Report", said[0], "Harbour Office, 2031", *said[1:]]
    assert [block.page for block in document.blocks] == [1, 1, 1, 2, 3, 4, 5, 6]


def test_a_title_that_the_pages_repeat_above_them_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    pages = [[(20 if n == 0 else 8, 72, 760, "On Harbours"), (10, 72, 700, f"Text {'abcd'[n]}.")] for n in range(4)]
    write_pdf(path, pages)
    assert PdfLoader().load(path, "a.pdf").text.split("\n\n") == [
        "On Harbours",
        "Text a.",
        "Text b.",
        "Text c.",
        "Text d.",
    ]


def test_bullets_become_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, [[(10, 72, 700, "\\267 one"), (10, 72, 688, "\\267 two")]])
    assert PdfLoader().load(path, "a.pdf").text == "one\ntwo"


def test_password(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, [[(10, 72, 700, "What nobody is to read")]], password="open sesame")  # noqa: S106 - of this file alone
    for tried in ([], ["wrong"]):
        with pytest.raises(LoadError, match=r"protected by a password.*loading\.passwords"):
            PdfLoader(passwords=tried).load(path, "a.pdf")
    assert PdfLoader(passwords=["wrong", "open sesame"]).load(path, "a.pdf").text == "What nobody is to read"


def test_without_text(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, [[], []])
    with pytest.raises(LoadError, match="its 2 pages are pictures"):
        PdfLoader().load(path, "a.pdf")


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_is_read_as_it_is_seen(tmp_path: Path, turn: int) -> None:
    table = [(72, y, 372, y) for y in (600, 580, 560, 540)] + [(x, 540, x, 600) for x in (72, 222, 372)]
    cells = [(10, 80, 586, "Name"), (10, 230, 586, "Size"), (10, 80, 566, "oak"), (10, 230, 566, "20 m")]
    body = [(20, 72, 720, "A Title"), (10, 72, 690, "A line of text that is long enough to be a line"), *cells]
    write_pdf(tmp_path / "a.pdf", [[*body, (10, 80, 546, "elm"), (10, 230, 546, "30 m")]], drawn=[table])
    turn_pages(tmp_path / "a.pdf", tmp_path / "b.pdf", turn)
    upright, turned = PdfLoader().load(tmp_path / "a.pdf", "a.pdf"), PdfLoader().load(tmp_path / "b.pdf", "a.pdf")
    assert "Name: elm; Size: 30 m" in upright.text
    assert turned == upright
