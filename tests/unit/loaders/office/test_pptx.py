"""Presentations: slides are pages, titles headings; groups, tables, charts and notes count."""

from pathlib import Path
from typing import Any

import pptx
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from loaders.office.pptx import PptxLoader


def test_everything_on_its_slide(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Plan"
    slide.placeholders[1].text = "First\nSecond"
    slide.placeholders[1].text_frame.paragraphs[1].level = 1
    slide.notes_slide.notes_text_frame.text = "Say hello."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    group = second.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(Cm(1), Cm(1), Cm(5), Cm(1)).text_frame.text = "In a group"
    table = second.shapes.add_table(2, 2, Cm(1), Cm(5), Cm(8), Cm(2)).table
    for (row, column), text in {(0, 0): "Name", (0, 1): "Size", (1, 0): "Desk", (1, 1): "L"}.items():
        table.cell(row, column).text = text
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]  # python-pptx leaves charts without types
    data.categories = ["Q1", "Q2"]
    data.add_series("Sales", (4.5, 7))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(1), Cm(9), Cm(8), Cm(5), data)
    path = tmp_path / "a.pptx"
    deck.save(str(path))
    document = PptxLoader().load(path, "a.pptx")
    found = [(document.text[block.start : block.end], block.page, block.heading_path) for block in document.blocks]
    assert found == [
        ("Plan", 1, ("Plan",)),
        ("First\n  Second", 1, ("Plan",)),
        ("Say hello.", 1, ("Plan",)),
        ("In a group", 2, ()),
        ("Name: Desk; Size: L", 2, ()),
        ("Q1; Sales: 4.5\nQ2; Sales: 7", 2, ()),
    ]
    assert document.pages == 2


def test_texts_come_from_top_to_bottom_and_left_to_right(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for text, left, top in [("third", 1, 10), ("second", 10, 2.1), ("first", 1, 2)]:
        slide.shapes.add_textbox(Cm(left), Cm(top), Cm(5), Cm(1)).text_frame.text = text
    path = tmp_path / "a.pptx"
    deck.save(str(path))
    assert PptxLoader().load(path, "a.pptx").text == "first\n\nsecond\n\nthird"
