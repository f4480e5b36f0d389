"""Workbooks: tables on sheets, real values, headings in every row."""

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.office.xlsx import XlsxLoader

_TRANSITIONAL = b"http://schemas.openxmlformats.org/officeDocument/2006/"


def _book(folder: Path) -> tuple[openpyxl.Workbook, Worksheet, Path]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    return book, sheet, folder / "a.xlsx"


def _load(book: openpyxl.Workbook, path: Path) -> Document:
    book.save(path)
    return XlsxLoader().load(path, path.name)


def _blocks(document: Document) -> list[tuple[str, int | None, tuple[str, ...]]]:
    return [(document.text[block.start : block.end], block.page, block.heading_path) for block in document.blocks]


def test_each_table_of_each_sheet_with_its_headings(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    sheet.title = "Prices"
    prices = [["Prices 2024"], ["Item", "Price"], ["Desk", 120], ["Chair", 80.5]]
    for row in [*prices, [], ["Staff"], ["Name", "Age"], ["Ann", 30]]:
        sheet.append(row)
    other = book.create_sheet("备注")
    other["C5"] = "一句话"
    assert _blocks(_load(book, path)) == [
        ("Prices", 1, ("Prices",)),
        ("Prices 2024", 1, ("Prices", "Prices 2024")),
        ("Item: Desk; Price: 120\nItem: Chair; Price: 80.5", 1, ("Prices", "Prices 2024")),
        ("Staff", 1, ("Prices", "Staff")),
        ("Name: Ann; Age: 30", 1, ("Prices", "Staff")),
        ("备注", 2, ("备注",)),
        ("一句话", 2, ("备注",)),
    ]


def test_tables_side_by_side(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in [["A", "B", None, "Name", "Size"], ["x", 1, None, "p", 5], ["y", 2, None, "q", 6]]:
        sheet.append(row)
    texts = [text for text, _, _ in _blocks(_load(book, path))]
    assert texts == ["Sheet", "A: x; B: 1\nA: y; B: 2", "Name: p; Size: 5\nName: q; Size: 6"]


def test_a_blank_column_within_a_table_does_not_cut_it(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in [["Zone", "Sales", None, "Costs"], [], ["North", 10, None, -3], ["South", 20, None, "—"]]:
        sheet.append(row)
    assert _load(book, path).text.endswith("Zone: North; Sales: 10; Costs: -3\nZone: South; Sales: 20; Costs: —")


def test_headings_in_bold_and_merged_cells(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in [["Region", "2023", None], [None, "Q1", "Q2"], ["North", "good", "bad"], [None, "fair", "poor"]]:
        sheet.append(row)
    for cell in (*sheet[1], *sheet[2]):
        cell.font = Font(bold=True)
    for area in ("A1:A2", "B1:C1", "A3:A4"):
        sheet.merge_cells(area)
    rows = "Region: North; 2023 / Q1: good; 2023 / Q2: bad\nRegion: North; 2023 / Q1: fair; 2023 / Q2: poor"
    assert _load(book, path).text.endswith(rows)


def test_values_not_formulas_and_comments(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in [["Item", "Share", "Day"], ["Desk", 0.125, datetime.datetime(2024, 1, 31)], ["Sum", "=B2", 0.1 + 0.2]]:
        sheet.append(row)
    sheet["B2"].number_format = "0.0%"
    sheet["A2"].comment = Comment("is sold out", "Ann")
    book.save(path)
    _put_cached_value(path, "<f>B2</f><v></v>", "<f>B2</f><v>0.25</v>")
    text = XlsxLoader().load(path, path.name).text
    assert "Item: Desk; Share: 12.5%; Day: 2024-01-31" in text
    assert "Item: Sum; Share: 0.25; Day: 0.3" in text
    assert "A2: is sold out" in text


def test_a_formula_that_nothing_calculated_stands_for_its_value(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in [["Item", "Count", "Total"], ["Desk", 2, "=B2*3"], ["Lamp", 4, "=B3*3"], ["Rug", 5, '=IF(B4>9,"x","")']]:
        sheet.append(row)
    book.save(path)
    _put_cached_value(path, "<f>B3*3</f><v></v>", "<f>B3*3</f><v>12</v>")
    rows = XlsxLoader().load(path, path.name).text.split("\n")
    assert rows[-3:-1] == ["Item: Desk; Count: 2; Total: =B2*3", "Item: Lamp; Count: 4; Total: 12"]


def test_a_formula_whose_result_is_no_text_adds_nothing(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in [["Item", "Count", "Note"], ["Desk", 2, '=IF(B2>9,"x","")']]:
        sheet.append(row)
    book.save(path)
    _put_cached_value(path, '<c r="C2"><f>', '<c r="C2" t="str"><f>')
    assert XlsxLoader().load(path, path.name).text.endswith("Item: Desk; Count: 2")


def _put_cached_value(path: Path, old: str, new: str) -> None:
    """Do what Excel does when it saves: write the result beside the formula."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"].decode()
    assert old in sheet.replace("<v />", "<v></v>").replace("<v/>", "<v></v>")
    members["xl/worksheets/sheet1.xml"] = (
        sheet.replace("<v />", "<v></v>").replace("<v/>", "<v></v>").replace(old, new).encode()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_cell_at_the_far_end_costs_nothing(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    sheet["A1"] = "near"
    sheet["XFD1048576"] = "far"
    assert _load(book, path).text == "Sheet\n\nnear\n\nfar"


def test_an_empty_workbook_has_no_text(tmp_path: Path) -> None:
    book, _, path = _book(tmp_path)
    assert _load(book, path).text == ""


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    with pytest.raises(LoadError, match=r"'a\.xlsx' is a damaged workbook\. Open it in Excel"):
        XlsxLoader().load(path, "a.xlsx")


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (98.5, '0.0"%"', "98.5%"),
        (1234, "000000", "001234"),
        (datetime.timedelta(hours=26, minutes=30), "[h]:mm", "26:30"),
        (CellRichText("10", TextBlock(InlineFont(vertAlign="superscript"), "3"), " kg"), "General", "10³ kg"),
        (CellRichText("H", TextBlock(InlineFont(vertAlign="subscript"), "2"), "O"), "General", "H₂O"),
        (CellRichText("a", TextBlock(InlineFont(b=True), "b")), "General", "ab"),
        ("first\nsecond", "General", "first / second"),
        ('=DISPIMG("ID_1",1)', "General", "7"),
    ],
)
def test_values_with_what_their_formats_add(tmp_path: Path, value: object, code: str, text: str) -> None:
    book, sheet, path = _book(tmp_path)
    for row in (["Name", "Count", "Value"], ["a", 7, None]):
        sheet.append(row)
    cell = sheet["C2"]
    cell.value, cell.number_format = value, code
    assert _load(book, path).text.endswith(text)


@pytest.mark.parametrize(("number", "text"), [(31, "2024-03-06"), (57, "2024-03"), (28, "2024-03-06"), (0, "45352")])
def test_dates_in_formats_of_east_asian_excel(tmp_path: Path, number: int, text: str) -> None:
    book, sheet, path = _book(tmp_path)
    for row in (["Name", "Signed"], ["a", 45352 if text.count("-") < 2 else 45357]):
        sheet.append(row)
    book.save(path)
    styles, cell = "xl/styles.xml", "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[styles] = parts[styles].replace(b'numFmtId="0"', f'numFmtId="{number}"'.encode())
    assert b"<v>453" in parts[cell]
    with zipfile.ZipFile(path, "w") as made:
        for name, data in parts.items():
            made.writestr(name, data)
    assert XlsxLoader().load(path, "a.xlsx").text.endswith(f"Signed: {text}")


def test_a_strict_workbook_is_read(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in (["Name", "Size"], ["a", 7]):
        sheet.append(row)
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as made:
        for name, data in parts.items():
            strict = data.replace(
                b"http://schemas.openxmlformats.org/spreadsheetml/2006/", b"http://purl.oclc.org/ooxml/spreadsheetml/"
            )
            made.writestr(name, strict.replace(_TRANSITIONAL, b"http://purl.oclc.org/ooxml/officeDocument/"))
    assert XlsxLoader().load(path, "a.xlsx").text.endswith("Name: a; Size: 7")


def test_what_is_a_label_over_some_columns_or_a_spacing_column_names_nothing(tmp_path: Path) -> None:
    book, sheet, path = _book(tmp_path)
    for row in (["书单"], ["序号", "类别", None, "书名"], [1, "小说", None, "围城"], [2, "历史", None, "史记"]):
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    assert "序号: 1; 类别: 小说; 书名: 围城" in _load(book, path).text
