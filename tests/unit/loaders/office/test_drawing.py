"""Slides and sheets with what draws on them: odd shapes, charts of every kind, equations, diagrams, pictures."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pptx
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.worksheet.worksheet import Worksheet
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import PROG_ID
from pptx.slide import Slide
from pptx.util import Cm

from kb_server.core.domain import Document
from loaders.office.drawing import parse
from loaders.office.pptx import PptxLoader
from loaders.office.xlsx import XlsxLoader

_SPACES = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
_BODY = "<p:txBody><a:bodyPr/><a:p>{}</a:p></p:txBody>"
_NAMED = '<p:nvSpPr><p:cNvPr id="9" name="x"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr>'


def _deck(
    folder: Path, fill: Callable[[Slide], None], edit: Callable[[str, bytes], bytes | None] | None = None
) -> Document:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_textbox(Cm(1), Cm(1), Cm(5), Cm(1)).text_frame.text = "kept"
    fill(slide)
    path = folder / "a.pptx"
    deck.save(str(path))
    if edit is not None:
        _rewrite(path, edit)
    return PptxLoader().load(path, "a.pptx")


def _rewrite(path: Path, edit: Callable[[str, bytes], bytes | None]) -> None:
    """Change or leave out members of a zip file."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: edit(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as made:
        for name, data in parts.items():
            if data is not None:
                made.writestr(name, data)


def _shape(inner: str) -> Callable[[Slide], None]:
    return lambda slide: slide.shapes._spTree.append(parse(inner.replace(">", f" {_SPACES}>", 1).encode()))


_RUNS = "<a:r><a:t>10</a:t></a:r><a:r><a:rPr baseline='30000'/><a:t>3</a:t></a:r><a:r><a:t> H</a:t></a:r>"
_RUNS += "<a:r><a:rPr baseline='-25000'/><a:t>2</a:t></a:r><a:r><a:t>O</a:t></a:r><a:br/><a:r><a:t>end</a:t></a:r>"
_FRACTION = "<m:f><m:num><m:r><m:t>利润</m:t></m:r></m:num><m:den><m:r><m:t>收入</m:t></m:r></m:den></m:f>"
_POWER = "<m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
_MATH = f"<a14:m><m:oMath><m:r><m:t>y=</m:t></m:r>{_FRACTION}<m:r><m:t>+</m:t></m:r>{_POWER}</m:oMath></a14:m>"
_PICTURE = (
    '<p:pic><p:nvPicPr><p:cNvPr id="8" name="x" descr="{}"/><p:cNvPicPr/><p:nvPr/></p:nvPicPr>'
    "<p:blipFill>{}</p:blipFill><p:spPr/></p:pic>"
)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (f"<p:sp>{_NAMED}<p:spPr/>{_BODY.format('<a:r><a:t>bare</a:t></a:r>')}</p:sp>", "bare"),
        (f"<p:sp>{_NAMED}<p:spPr/>{_BODY.format(_RUNS)}</p:sp>", "10³ H₂O\nend"),
        (f"<p:sp>{_NAMED}<p:spPr/>{_BODY.format(_MATH)}</p:sp>", "y=利润/收入+c²"),
        (
            "<mc:AlternateContent><mc:Choice Requires='a14'>"
            f"<p:sp>{_NAMED}<p:spPr/>{_BODY.format(_MATH)}</p:sp></mc:Choice><mc:Fallback>"
            f"<p:sp>{_NAMED}<p:spPr/>{_BODY.format('<a:r><a:t>old</a:t></a:r>')}</p:sp>"
            "</mc:Fallback></mc:AlternateContent>",
            "y=利润/收入+c²",
        ),
        (_PICTURE.format("A pump in a hall", ""), "A pump in a hall"),
        ("<p:cxnSp><p:nvCxnSpPr/><p:spPr/></p:cxnSp>", "kept"),
    ],
)
def test_shapes_that_python_pptx_does_not_know(tmp_path: Path, shape: str, text: str) -> None:
    document = _deck(tmp_path, _shape(shape))
    assert text in document.text.split("\n\n")
    assert "kept" in document.text
    assert document.set_aside == {}


@pytest.mark.parametrize(
    ("shape", "noted"),
    [
        (_PICTURE.format("", '<a:blip r:link="rId77"/>'), "picture that the file does not hold"),
        (_PICTURE.format("x.png", '<a:blip r:embed="rId78"/>'), "picture that the file does not hold"),
        (
            "<p:graphicFrame><a:graphic><a:graphicData><c:chart r:id='rId9' xmlns:c='c'/></a:graphicData>"
            "</a:graphic></p:graphicFrame>",
            "drawing that is damaged",
        ),
    ],
)
def test_a_part_that_cannot_be_read_costs_only_itself(tmp_path: Path, shape: str, noted: str) -> None:
    document = _deck(tmp_path, _shape(shape))
    assert (document.text, document.set_aside) == ("kept", {noted: 1})


def test_a_part_that_is_lacking_costs_only_itself(tmp_path: Path) -> None:
    def add(slide: Slide) -> None:
        frame = slide.notes_slide.notes_text_frame
        assert frame is not None
        frame.text = "note"

    document = _deck(tmp_path, add, lambda name, data: None if "notesSlides/notes" in name else data)
    assert document.text == "kept"
    assert sum(document.set_aside.values()) >= 1


def test_a_slide_that_is_lacking_costs_only_itself(tmp_path: Path) -> None:
    document = _deck(tmp_path, _no_more, _cut_second_slide)
    assert document.text == "kept"
    assert document.set_aside["slide that is damaged"] == 1


def _no_more(slide: Slide) -> None:
    slide.part.package.presentation_part.presentation.slides.add_slide(slide.slide_layout)


def _cut_second_slide(name: str, data: bytes) -> bytes | None:
    return None if name.endswith("slide2.xml") else data


def _chart(slide: Slide, kind: XL_CHART_TYPE, form: str) -> None:
    data: Any
    if kind is XL_CHART_TYPE.XY_SCATTER:
        data = XyChartData()  # type: ignore[no-untyped-call]  # python-pptx leaves charts without types
        series = data.add_series("Load")
        for point in [(2.5, 41), (3, 44)]:
            series.add_data_point(*point)
    else:
        data = CategoryChartData(number_format=form)  # type: ignore[no-untyped-call]
        data.categories = ["Q1", "Q2"]
        data.add_series("Sales", (0.25, None))
        data.add_series("Costs", (0.5, 0.75))
    slide.shapes.add_chart(kind, Cm(1), Cm(9), Cm(8), Cm(5), data)


@pytest.mark.parametrize(
    ("kind", "form", "tag", "lines"),
    [
        (XL_CHART_TYPE.COLUMN_CLUSTERED, "General", "barChart", ["Q1; Sales: 0.25; Costs: 0.5", "Q2; Costs: 0.75"]),
        (XL_CHART_TYPE.COLUMN_CLUSTERED, "General", "bar3DChart", ["Q1; Sales: 0.25; Costs: 0.5", "Q2; Costs: 0.75"]),
        (XL_CHART_TYPE.COLUMN_CLUSTERED, "General", "newChart", ["Q1; Sales: 0.25; Costs: 0.5", "Q2; Costs: 0.75"]),
        (XL_CHART_TYPE.LINE, "0%", "lineChart", ["Q1; Sales: 25%; Costs: 50%", "Q2; Costs: 75%"]),
        (XL_CHART_TYPE.XY_SCATTER, "", "scatterChart", ["X: 2.5; Load: 41", "X: 3; Load: 44"]),
    ],
)
def test_the_numbers_of_charts(tmp_path: Path, kind: XL_CHART_TYPE, form: str, tag: str, lines: list[str]) -> None:
    def edit(name: str, part: bytes) -> bytes:
        return part.replace(b"c:barChart", f"c:{tag}".encode()) if "/charts/" in name else part

    document = _deck(tmp_path, lambda slide: _chart(slide, kind, form), edit)
    assert document.text.split("\n\n")[1].split("\n") == lines


def test_merged_cells_lists_and_titles_in_a_table_of_a_slide(tmp_path: Path) -> None:
    def add(slide: Slide) -> None:
        table = slide.shapes.add_table(4, 3, Cm(1), Cm(5), Cm(8), Cm(2)).table
        for row, texts in enumerate([["省份", "城市", "标准"], ["山西", "太原", "480"], ["", "大同", "440"]]):
            for column, text in enumerate(texts):
                table.cell(row, column).text = text
        table.cell(1, 0).merge(table.cell(2, 0))
        table.cell(3, 0).text = "1. 甲\n2. 乙"
        table.cell(3, 1).text = "全省"
        table.cell(3, 1).merge(table.cell(3, 2))

    assert _deck(tmp_path, add).text.split("\n\n")[1].split("\n") == [
        "省份: 山西; 城市: 太原; 标准: 480",
        "省份: 山西; 城市: 大同; 标准: 440",
        "省份: 1. 甲 / 2. 乙; 城市: 全省; 标准: 全省",
    ]


def test_a_table_of_one_cell_is_its_text(tmp_path: Path) -> None:
    def add(slide: Slide) -> None:
        slide.shapes.add_table(1, 1, Cm(1), Cm(5), Cm(8), Cm(2)).table.cell(0, 0).text = "One.\nTwo."

    assert _deck(tmp_path, add).text == "kept\n\nOne.\nTwo."


def test_a_workbook_within_a_slide(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert isinstance(book.active, Worksheet)
    for row in (["Name", "Price"], ["pump", 260]):
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)

    def add(slide: Slide) -> None:
        held.seek(0)
        slide.shapes.add_ole_object(held, PROG_ID.XLSX, Cm(1), Cm(5))  # type: ignore[arg-type]  # its annotation lacks what it documents

    assert "Name: pump; Price: 260" in _deck(tmp_path, add).text


_TEXT_BOX = (
    '<twoCellAnchor><sp><txBody><a:p xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
    "<a:r><a:t>仅限内部</a:t></a:r></a:p></txBody></sp></twoCellAnchor>"
)


def _charted(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in (["Month", "Sales"], ["May", 4], ["June", 7]):
        sheet.append(row)
    chart = BarChart()
    chart.title = "By month"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=3))
    sheet.add_chart(chart, "D1")
    book.save(path)


def test_text_boxes_and_charts_of_sheets(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    _charted(path)
    cached = (
        b"<c:numCache xmlns:c='c'><c:formatCode>0\"t\"</c:formatCode><c:pt idx='0'><c:v>4</c:v></c:pt></c:numCache>"
    )

    def edit(name: str, data: bytes) -> bytes:
        if name == "xl/charts/chart1.xml":
            return data.replace(b"</numRef></val>", cached + b"</numRef></val>")
        return data.replace(b"</wsDr>", _TEXT_BOX.encode() + b"</wsDr>")

    _rewrite(path, edit)
    document = XlsxLoader().load(path, "a.xlsx")
    assert "By month" in document.text
    assert "4t" in document.text
    assert "仅限内部" in document.text.split("\n\n")


@pytest.mark.parametrize("member", ["xl/charts/chart1.xml", "xl/drawings/drawing1.xml"])
@pytest.mark.parametrize("instead", [b"<broken", None])
def test_a_damaged_drawing_of_a_sheet_costs_only_itself(tmp_path: Path, member: str, instead: bytes | None) -> None:
    path = tmp_path / "a.xlsx"
    _charted(path)
    _rewrite(path, lambda name, data: instead if name == member else data)
    document = XlsxLoader().load(path, "a.xlsx")
    assert document.text == "Sheet\n\nMonth: May; Sales: 4\nMonth: June; Sales: 7"
    assert sum(document.set_aside.values()) >= 1
