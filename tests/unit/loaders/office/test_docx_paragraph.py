"""What a Word paragraph says, and whether it is a heading or a list item."""

from pathlib import Path

import docx
import pytest
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.text.paragraph import Paragraph

from loaders.office.docx_paragraph import PARAGRAPH, Element, Styles, paragraph_text, text_boxes

_MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_COMPATIBLE = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def _paragraph(inside: str) -> Element:
    names = f'{nsdecls("w")} xmlns:m="{_MATH}" xmlns:mc="{_COMPATIBLE}"'
    return parse_xml(f"<w:p {names}>{inside}</w:p>")


def _styled(document: WordDocument, name: str, base: str, level: str = "") -> Paragraph:
    style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles[base]
    if level:
        style.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="{level}"/>'))
    return document.add_paragraph("x", style=name)


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:cr/><w:t>d</w:t></w:r>", "a\tb\nc\nd"),
        ("<w:r><w:t>semi</w:t><w:noBreakHyphen/><w:t>final</w:t></w:r>", "semi-final"),
        ("<w:r><w:t>E = </w:t></w:r><m:oMath><m:r><m:t>mc²</m:t></m:r></m:oMath>", "E = mc²"),
        ("<w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>", "new"),
        ("<w:moveFrom><w:r><w:t>was here</w:t></w:r></w:moveFrom><w:r><w:t>is</w:t></w:r>", "is"),
        ("<w:hyperlink><w:r><w:t>a link</w:t></w:r></w:hyperlink>", "a link"),
        ("<w:r><w:rPr><w:t>no</w:t></w:rPr><w:txbxContent><w:t>no</w:t></w:txbxContent></w:r>", ""),
    ],
)
def test_the_text_that_is_shown(inside: str, text: str) -> None:
    assert paragraph_text(_paragraph(inside)) == text


def test_a_box_and_its_copy_for_old_versions_are_one_and_boxes_within_belong_to_it() -> None:
    inner = "<w:txbxContent><w:p><w:r><w:t>inner</w:t></w:r></w:p></w:txbxContent>"
    box = f"<w:txbxContent><w:p><w:r><w:t>outer</w:t></w:r>{inner}</w:p></w:txbxContent>"
    copied = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    (found,) = text_boxes(_paragraph(f"<w:r>{copied}</w:r>"))
    assert [paragraph_text(each) for each in found.iter(PARAGRAPH)] == ["outer", "inner"]


def test_titles_and_headings_by_the_name_of_their_style() -> None:
    document = docx.Document()
    levels = [Styles().heading_level(document.add_heading("x", level)) for level in range(10)]
    assert levels == list(range(10))
    assert Styles().heading_level(document.add_paragraph("x")) is None


def test_a_style_inherits_from_the_one_it_is_based_on() -> None:
    document, styles = docx.Document(), Styles()
    assert styles.heading_level(_styled(document, "Chapter", "Heading 2")) == 2
    assert styles.heading_level(_styled(document, "Sub-chapter", "Chapter")) == 2


@pytest.mark.parametrize(("value", "level"), [("0", 1), ("8", 9), ("9", None), ("many", None), ("-1", None)])
def test_an_outline_level_makes_a_heading_and_word_calls_body_text_level_nine(value: str, level: int | None) -> None:
    document = docx.Document()
    assert Styles().heading_level(_styled(document, "Mine", "Normal", value)) == level


def test_the_own_outline_level_goes_before_the_styles() -> None:
    document = docx.Document()
    paragraph = _styled(document, "Mine", "Normal", "4")
    paragraph._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="1"/>'))
    assert Styles().heading_level(paragraph) == 2


@pytest.mark.parametrize(
    ("style", "is_list"),
    [("List Bullet", True), ("List Number 2", True), ("List Continue", False), ("List Paragraph", False)],
)
def test_styles_for_lists(style: str, is_list: bool) -> None:
    assert Styles().is_list(docx.Document().add_paragraph("x", style=style)) is is_list


def test_a_saved_file_says_the_same(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Title", 0)
    document.add_paragraph("item", style="List Number")
    document.save(str(tmp_path / "a.docx"))
    title, item = docx.Document(str(tmp_path / "a.docx")).paragraphs
    styles = Styles()
    assert (styles.heading_level(title), styles.is_list(title)) == (0, False)
    assert (styles.heading_level(item), styles.is_list(item)) == (None, True)
