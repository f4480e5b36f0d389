"""PDF files, written by hand."""

from pathlib import Path

import pytest

from kb_server.errors import LoadError
from loaders import load

Placed = tuple[int, int, int, str]
"""Font size, x, y, text."""


def write_pdf(path: Path, pages: list[list[Placed]], trailer: str = "") -> None:
    """Write a PDF with Helvetica text at the places given."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[str] = []
    for lines in pages:
        stream = "\n".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for size, x, y, text in lines)
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects) + 2} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    body = "%PDF-1.4\n"
    offsets: list[int] = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    body += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    start = body.index("xref\n")
    path.write_text(f"{body}trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n")


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
    document = load(path, "a.pdf")
    assert document.text.split("\n\n") == [
        "A Title",
        f"{body} away from it.",
        f"{body} home again to sleep until the next day breaks over us.",
        body,
    ]
    assert document.pages == 2
    assert [block.page for block in document.blocks] == [1, 1, 1, 2]
    assert document.blocks[-1].heading_path == ("A Title",)


def test_running_lines_vanish_and_divided_words_join(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    pages = [
        [
            (10, 72, 760, "Annual Report"),
            (10, 72, 700, f"Text {'abcdef'[n]} is about the inter-"),
            (10, 72, 688, "national side of things."),
            (10, 300, 30, f"Page {n + 1}"),
        ]
        for n in range(6)
    ]
    write_pdf(path, pages)
    text = load(path, "a.pdf").text
    assert text.split("\n\n") == [f"Text {n} is about the international side of things." for n in "abcdef"]


def test_bullets_become_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, [[(10, 72, 700, "\\267 one"), (10, 72, 688, "\\267 two")]])
    assert load(path, "a.pdf").text == "one\ntwo"


def test_password(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    key = f"<{'5a' * 32}>"
    encrypt = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O {key} /U {key} /P -4 >> /ID [<00> <00>]"
    write_pdf(path, [[(10, 72, 700, "secret")]], encrypt)
    with pytest.raises(LoadError, match="protected by a password"):
        load(path, "a.pdf")


def test_without_text(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, [[], []])
    with pytest.raises(LoadError, match="its 2 pages are pictures"):
        load(path, "a.pdf")
