"""Numbers of headings and list items, counted as Word counts them."""

from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from loaders.office.docx import DocxLoader
from loaders.office.docx_numbering import numeral


def test_numbers_of_lists_and_headings_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    levels = [("decimal", "%1."), ("lowerLetter", "%1.%2)"), ("chineseCounting", "第%3条")]
    marks = "".join(
        f'<w:lvl w:ilvl="{n}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for n, (form, text) in enumerate(levels)
    )
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="99">{marks}</w:abstractNum>'))
    number = f'<w:num {nsdecls("w")} w:numId="99"><w:abstractNumId w:val="99"/></w:num>'
    numbering.append(parse_xml(number))
    for text, level in [("A", 0), ("a", 1), ("b", 1), ("x", 2), ("B", 0), ("c", 1)]:
        paragraph = document.add_paragraph(text)
        place = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="99"/></w:numPr>'
        paragraph._p.get_or_add_pPr().append(parse_xml(place))
    document.save(str(path))
    expected = ["1. A", "  1.a) a", "  1.b) b", "    第一条 x", "2. B", "  2.a) c"]
    assert DocxLoader().load(path, "a.docx").text.split("\n") == expected


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (4, "lowerRoman", "iv"),
        (1994 % 1000, "upperRoman", "CMXCIV"),
        (28, "lowerLetter", "bb"),
        (7, "decimalZero", "07"),
        (3, "decimalEnclosedCircle", "③"),
        (10, "chineseCountingThousand", "十"),
        (21, "chineseCounting", "二十一"),
        (103, "chineseCounting", "一百零三"),
        (110, "chineseCounting", "一百一十"),
        (1000, "upperRoman", "1000"),
        (5, "unheard of", "5"),
    ],
)
def test_numerals(value: int, form: str, text: str) -> None:
    assert numeral(value, form) == text


def test_a_list_begins_again_where_its_own_number_says_so(tmp_path: Path) -> None:
    """Two `w:num` of one definition count on; one with a start of its own begins there, once."""
    path = tmp_path / "a.docx"
    document = docx.Document()
    numbering = document.part.numbering_part.element
    level = '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1)"/></w:lvl>'
    numbering.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="99">{level}</w:abstractNum>'))
    restart = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
    for number, more in ((91, ""), (92, ""), (93, restart)):
        xml = f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="99"/>{more}</w:num>'
        numbering.append(parse_xml(xml))
    for number in (91, 92, 93, 93, 0):
        paragraph = document.add_paragraph("x")
        place = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="0"/><w:numId w:val="{number}"/></w:numPr>'
        paragraph._p.get_or_add_pPr().append(parse_xml(place))
    document.save(str(path))
    assert DocxLoader().load(path, "a.docx").text.split() == ["I)", "x", "II)", "x", "VII)", "x", "VIII)", "x", "x"]
