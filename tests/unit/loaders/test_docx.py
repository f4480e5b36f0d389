"""Word documents."""

from pathlib import Path

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from loaders import load


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
    loaded = load(path, "a.docx")
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
    assert load(path, "a.docx").text == "new"
