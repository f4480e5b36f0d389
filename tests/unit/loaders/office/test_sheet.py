"""Sheets: tables told apart, headings found, values as people read them."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.office.number_format import cell_text, number_text
from loaders.office.sheet import Sheet, add_sheet, regions


def _sheet(*rows: str, merged: tuple[tuple[int, int, int, int], ...] = (), bold: tuple[int, ...] = ()) -> Sheet:
    """Make a sheet of rows whose cells are parted by commas."""
    cells = {(r, c): text for r, row in enumerate(rows) for c, text in enumerate(row.split(",")) if text}
    return Sheet("S", cells, merged, frozenset(place for place in cells if place[0] in bold), ["A1: a note"])


def _document(sheet: Sheet) -> Document:
    builder = DocumentBuilder("a")
    add_sheet(builder, sheet, 3)
    return builder.build()


def test_a_sheet_is_a_page_with_its_name_above_and_its_notes_below() -> None:
    document = _document(_sheet("Name,Size", "oak,20"))
    assert document.text.split("\n\n") == ["S", "Name: oak; Size: 20", "A1: a note"]
    assert {block.page for block in document.blocks} == {3}
    assert {block.heading_path for block in document.blocks} == {("S",)}


def test_an_empty_sheet_is_no_page() -> None:
    assert _document(Sheet("S", {}, notes=["A1: a note"])).blocks == ()


def test_rows_that_go_on_below_a_blank_row_keep_the_headings() -> None:
    document = _document(_sheet("Name,Size", "oak,20", "", "elm,30", "fir,40"))
    assert "Name: elm; Size: 30\nName: fir; Size: 40" in document.text


def test_a_cell_merged_over_all_columns_is_a_title_and_one_over_some_heads_each() -> None:
    title = _document(_sheet("Trees,,", "Name,Age,Size", "oak,100,20", merged=((0, 0, 0, 2),)))
    assert title.text.split("\n\n")[1:3] == ["Trees", "Name: oak; Age: 100; Size: 20"]
    heads = _document(_sheet("Name,Trees,", ",Age,Size", "oak,100,20", merged=((0, 1, 0, 2),), bold=(0, 1)))
    assert "Name: oak; Trees / Age: 100; Trees / Size: 20" in heads.text


def test_a_merged_area_as_large_as_the_sheet_costs_nothing() -> None:
    document = _document(_sheet("a,b,c", "d,e,f", merged=((0, 0, 10**6, 1),)))
    assert "a" in document.text


@given(st.dictionaries(st.tuples(st.integers(0, 12), st.integers(0, 6)), st.sampled_from(["a", "b c", "7", "—"])))
def test_every_cell_is_in_exactly_one_region(cells: dict[tuple[int, int], str]) -> None:
    found = [place for region in regions(cells) for place in region]
    assert sorted(found) == sorted(cells)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (1e14, "100000000000000"), (-0.0, "0"), (1e15, "1000000000000000.0"), (2.50, "2.5")],
)
def test_numbers_without_the_noise_of_binary_fractions(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (None, "General", ""),
        (True, "General", "TRUE"),
        (3.0, "General", "3"),
        (1234567.891, "#,##0.00", "1234567.891"),
        (0.07, "0%", "7%"),
        (1e300, "General", "1e+300"),
        (datetime.datetime(2024, 1, 31, 8, 30), "General", "2024-01-31 08:30:00"),
        (datetime.time(8, 30), "General", "08:30:00"),
        (datetime.timedelta(hours=30), "General", "30:00:00"),
        (" x ", "General", "x"),
    ],
)
def test_values_as_people_read_them(value: object, form: str, text: str) -> None:
    assert cell_text(value, form) == text
