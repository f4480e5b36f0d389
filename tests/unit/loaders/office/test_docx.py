"""Word documents."""

from pathlib import Path
from typing import Any

import docx
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image, ImageDraw, ImageFont

from loaders.office.docx import DocxLoader


def test_everything_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    document.add_heading("Report", 0)
    document.add_heading("Results", 1)
    document.add_paragraph("First.")
    document.add_paragraph("item", style="List Bullet")
    document.add_paragraph("another", style="List Bullet")
    table = document.add_table(2, 3)
    for cell, text in zip(table._cells, ["Name", "Size", "Note", "MiniLM", "90 MB", "two\nlines"], strict=True):
        cell.text = text
    document.add_paragraph("Last.")
    document.save(str(path))
    loaded = DocxLoader().load(path, "a.docx")
    assert loaded.text.split("\n\n") == [
        "Report",
        "Results",
        "First.",
        "item\nanother",
        "Name: MiniLM; Size: 90 MB; Note: two lines",
        "Last.",
    ]
    assert loaded.blocks[-1].heading_path == ("Report", "Results")


def test_tracked_changes_and_content_controls(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    inserted = "<w:ins w:id='1' w:author='x'><w:r><w:t>new</w:t></w:r></w:ins>"
    deleted = "<w:del w:id='2' w:author='x'><w:r><w:delText>old</w:delText></w:r></w:del>"
    control = f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p>{inserted}{deleted}</w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(0, parse_xml(control))
    document.save(str(path))
    assert DocxLoader().load(path, "a.docx").text == "new"


def _add_part(document: Any, kind: str, body: str) -> None:  # noqa: ANN401  (python-docx keeps its class to itself)
    xml = f"<w:{kind}s {nsdecls('w')}>{body}</w:{kind}s>".encode()
    name = PackURI(f"/word/{kind}s.xml")
    content_type = f"application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}s+xml"
    part = Part(name, content_type, xml, document.part.package)
    relation = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}s"
    document.part.relate_to(part, relation)


def test_notes_and_comments_follow_their_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    first = document.add_paragraph("Claim.")
    document.add_paragraph("Next.")
    _add_part(document, "footnote", '<w:footnote w:id="2"><w:p><w:r><w:t>Source: A.</w:t></w:r></w:p></w:footnote>')
    comment = '<w:comment w:id="0" w:author="Ann"><w:p><w:r><w:t>Really?</w:t></w:r></w:p></w:comment>'
    _add_part(document, "comment", comment)
    for kind, number in (("footnote", 2), ("comment", 0)):
        first._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:{kind}Reference w:id="{number}"/></w:r>'))
    document.save(str(path))
    assert DocxLoader().load(path, "a.docx").text.split("\n\n") == ["Claim.", "Source: A.", "Ann: Really?", "Next."]


def test_headers_and_footers_stand_once_and_page_numbers_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    document.add_heading("Title", 1)
    document.add_section()
    for section in document.sections:
        section.header.is_linked_to_previous = section.footer.is_linked_to_previous = False
        section.header.paragraphs[0].text = "Acme Ltd"
        section.footer.paragraphs[0].text = "Confidential"
    number = parse_xml(f'<w:p {nsdecls("w")}><w:r><w:t>Page </w:t></w:r><w:fldSimple w:instr="PAGE"/></w:p>')
    document.sections[0].footer._element.append(number)
    document.save(str(path))
    loaded = DocxLoader().load(path, "a.docx")
    assert loaded.text.split("\n\n") == ["Acme Ltd", "Title", "Confidential"]
    assert loaded.blocks[-1].heading_path == ()


def test_a_first_row_in_bold_is_a_heading(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ["Term", "Meaning", "kNN", "nearest"], strict=True):
        cell.paragraphs[0].add_run(text).bold = text in ("Term", "Meaning")
    document.save(str(path))
    assert DocxLoader().load(path, "a.docx").text == "Term: kNN; Meaning: nearest"


def test_pictures_are_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    image = Image.new("RGB", (420, 60), "white")
    ImageDraw.Draw(image).text((20, 15), "Invoice 4711", fill="black", font=ImageFont.load_default(28))
    image.save(tmp_path / "a.png")
    document = docx.Document()
    for _ in range(3):
        document.add_picture(str(tmp_path / "a.png"))
    document.save(str(path))
    loaded = DocxLoader().load(path, "a.docx")
    assert [(block.kind, loaded.text[block.start : block.end]) for block in loaded.blocks] == [
        ("image", "Invoice 4711")
    ]
