"""OpenDocument spreadsheets and presentations."""

import io
import zipfile
from pathlib import Path

import pytest

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders import load
from loaders.office.open_document import OdpLoader, OdsLoader
from tests.unit.loaders.reading import blocks, read

_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name if name != "fo" else "xsl-fo-compatible"}:1.0"'
    for name in ("office", "table", "text", "draw", "style", "fo", "presentation", "chart", "svg")
)
_STYLES = (
    '<office:automatic-styles><style:style style:name="b"><style:text-properties fo:font-weight="bold"/></style:style>'
    '<style:style style:name="up"><style:text-properties style:text-position="super 58%"/></style:style>'
    "</office:automatic-styles>"
)


def _packed(kind: str, body: str, **members: str) -> bytes:
    content = f"<office:document-content {_SPACES} xmlns:xlink='x'>{_STYLES}<office:body><office:{kind}>{body}"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", f"{content}</office:{kind}></office:body></office:document-content>")
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return file.getvalue()


def _sheet(folder: Path, rows: str, **members: str) -> Document:
    table = f'<table:table table:name="S">{rows}</table:table>'
    return read(OdsLoader(), folder, "a.ods", _packed("spreadsheet", table, **members))


def _row(*cells: str) -> str:
    made = (
        cell if cell.startswith("<") else f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row>{''.join(made)}</table:table-row>"


def _cell(inner: str, more: str = "") -> str:
    return f"<table:table-cell {more}>{inner}</table:table-cell>"


def _typed(kind: str, value: str, shown: str) -> str:
    name = {"date": "date-value", "time": "time-value"}.get(kind, "value")
    typed = f'office:value-type="{kind}" office:{name}="{value}"'
    return f"<table:table-cell {typed}><text:p>{shown}</text:p></table:table-cell>"


@pytest.mark.parametrize(
    ("kind", "value", "shown", "text"),
    [
        ("float", "98.5", "98.5%", "98.5%"),
        ("percentage", "0.985", "98.5%", "98.5%"),
        ("percentage", "0.98512", "99%", "98.512%"),
        ("float", "1234", "001234", "001234"),
        ("float", "350", "350万元", "350万元"),
        ("float", "12.3456", "12.35吨", "12.3456吨"),
        ("float", "1234567.5", "1,234,567.5", "1234567.5"),
        ("float", "1234567.5", "1.234.567,5", "1.234.567,5"),
        ("currency", "-12.5", "-¥12.50", "-¥12.5"),
        ("float", "2.25", "2 1/4", "2 1/4"),
        ("float", "123456", "12.3万", "12.3万"),
        ("date", "2024-03-06", "6. März 2024", "2024-03-06"),
        ("date", "2024-03-06T08:30:00", "06.03.24", "2024-03-06 08:30:00"),
        ("time", "PT26H30M00S", "26:30:00", "26:30:00"),
        ("boolean", "true", "WAHR", "WAHR"),
    ],
)
def test_values_with_what_their_formats_add(tmp_path: Path, kind: str, value: str, shown: str, text: str) -> None:
    document = _sheet(tmp_path, _row("Name", "Value", "Note") + _row("a", _typed(kind, value, shown), "x"))
    assert document.text == f"S\n\nName: a; Value: {text}; Note: x"


def test_merged_cells_repeated_cells_and_lines(tmp_path: Path) -> None:
    under = "<table:covered-table-cell/>"
    wide = _cell("<text:p>标准</text:p>", 'table:number-columns-spanned="2"') + under
    tall = _cell("<text:p>{}</text:p>", 'table:number-rows-spanned="2"')
    twice = _cell("<text:p>7</text:p>", 'table:number-columns-repeated="2"')
    lines = _cell("<text:p>甲</text:p><text:p>10<text:span text:style-name='up'>3</text:span></text:p>")
    empty = _cell("", 'table:number-columns-repeated="16384"')
    filler = f'<table:table-row table:number-rows-repeated="1048000">{empty}</table:table-row>'
    rows = _row(tall.format("省份"), wide) + _row(under, "部级", "处级")
    head = f"<table:table-header-rows>{rows}</table:table-header-rows>"
    document = _sheet(tmp_path, head + _row(tall.format("山西"), twice) + _row(under, lines, "440") + filler)
    assert document.text.split("\n\n")[1].split("\n") == [
        "省份: 山西; 标准 / 部级: 7; 标准 / 处级: 7",
        "省份: 山西; 标准 / 部级: 甲 / 10³; 标准 / 处级: 440",
    ]


_CHART = (
    f"<office:document-content {_SPACES}><office:body><office:chart><chart:chart><chart:title><text:p>Sales</text:p>"
    "</chart:title><table:table><table:table-header-rows>" + _row("", "2023") + "</table:table-header-rows>"
    f"<table:table-rows>{_row('Q1', _typed('float', '4.5', '4.5'))}</table:table-rows></table:table></chart:chart>"
    "</office:chart></office:body></office:document-content>"
)
_CHART_FRAME = '<draw:frame><draw:object xlink:href="./Object 1"/><draw:image xlink:href="./gone.png"/></draw:frame>'


def test_charts_text_boxes_and_comments_of_a_sheet(tmp_path: Path) -> None:
    box = "<draw:frame><draw:text-box><text:p>仅限内部</text:p></draw:text-box></draw:frame>"
    noted = _cell("<office:annotation><text:p>sic</text:p></office:annotation><text:p>b</text:p>")
    members = {"Object 1__content_xml": _CHART}
    document = _sheet(tmp_path, f"<table:shapes>{box}{_CHART_FRAME}</table:shapes>" + _row("a", noted), **members)
    assert [text for _, text in blocks(document)] == ["S", "a | b", "sic", "仅限内部", "Sales", "Q1; 2023: 4.5"]


def test_a_picture_that_is_lacking_and_a_damaged_chart_cost_only_themselves(tmp_path: Path) -> None:
    gone = '<draw:frame><draw:image xlink:href="Pictures/a.png"/></draw:frame>'
    members = {"Object 1__content_xml": "<broken"}
    document = _sheet(tmp_path, f"<table:shapes>{gone}{_CHART_FRAME}</table:shapes>" + _row("a", "b"), **members)
    assert document.text == "S\n\na | b"
    assert sum(document.set_aside.values()) == 2


def _frame(inner: str, y: float, more: str = "") -> str:
    return f'<draw:frame svg:x="1cm" svg:y="{y}cm" {more}>{inner}</draw:frame>'


def _box(text: str) -> str:
    return f"<draw:text-box><text:p>{text}</text:p></draw:text-box>"


def test_a_slide(tmp_path: Path) -> None:
    items = (
        "<draw:text-box><text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>deep</text:p>"
        "</text:list-item></text:list></text:list-item></text:list></draw:text-box>"
    )
    table = f'<table:table table:use-first-row-styles="true">{_row("Name", "Size")}{_row("pump", "L")}</table:table>'
    slide = (
        "<draw:page>"
        + _frame(_box("last"), 9)
        + _frame(_box("Plan"), 0, 'presentation:class="title"')
        + _frame(_box("12"), 1, 'presentation:class="page-number"')
        + _frame(items, 3)
        + f"<draw:g>{_frame(table, 5)}</draw:g>"
        + '<draw:custom-shape svg:y="7cm"><text:p>in a shape<text:line-break/>second</text:p></draw:custom-shape>'
        + _frame(f"{_box('')}<svg:desc>A pump</svg:desc>", 8)
        + f"<presentation:notes>{_frame(_box('Say hello.'), 1)}</presentation:notes></draw:page>"
    )
    document = read(OdpLoader(), tmp_path, "a.odp", _packed("presentation", slide))
    found = [text for _, text in blocks(document)]
    assert found[:1] == ["Plan"]
    assert sorted(found[1:]) == sorted(
        ["one\n  deep", "Name: pump; Size: L", "in a shape\nsecond", "A pump", "last", "Say hello."]
    )
    assert found[-2:] == ["last", "Say hello."]
    assert document.pages == 1


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(_packed("spreadsheet", f'<table:table table:name="T">{_row("a", "b")}</table:table>'))
    assert load(path, "a.ods").text == "T\n\na | b"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"META-INF__manifest_xml": "<encryption-data/>"}, "protected by a password"),
        ({}, "is no OpenDocument presentation"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, members: dict[str, str], reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        read(OdpLoader(), tmp_path, "a.odp", _packed("spreadsheet", "", **members))


def test_damaged_files(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("content.xml", "<a")
    with pytest.raises(LoadError, match="damaged OpenDocument"):
        read(OdsLoader(), tmp_path, "a.ods", file.getvalue())
