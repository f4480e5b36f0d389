"""Rows of tables as lines."""

from collections.abc import Sequence

import pytest

from loaders.table import Cell, inline, row_lines, write

Rows = Sequence[Sequence[Cell | str]]


def test_header_words_are_in_every_row() -> None:
    rows = [["Name", "Size", "Note"], ["MiniLM", "90 MB", ""], ["bge", "400 MB", "zh"]]
    assert row_lines(rows) == ["Name: MiniLM; Size: 90 MB", "Name: bge; Size: 400 MB; Note: zh"]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([["a", "1"], ["b", "2"]], ["a | 1", "b | 2"]),
        ([["Phone", "Mobile"], ["Fax", "none"]], ["Phone | Mobile", "Fax | none"]),
        ([["Year", "Sales"], ["2023", "17"]], ["Year: 2023; Sales: 17"]),
        ([["Name", "Size", "Note"]], ["Name | Size | Note"]),
        ([["a", "a", "a"], ["b", "c", "d"]], ["a | a | a", "b | c | d"]),
        ([["", "2023", ""], ["x", "1", ""]], ["2023", "x | 1"]),
        ([[], ["", ""]], []),
    ],
)
def test_without_a_recognisable_header(rows: list[list[str]], lines: list[str]) -> None:
    assert row_lines(rows) == lines


def test_headings_above_each_other_are_joined() -> None:
    rows = [["", "Sales", "Sales"], ["Year", "home", "abroad"], ["2023", "1", "2"]]
    assert row_lines(rows, 2) == ["Year: 2023; Sales / home: 1; Sales / abroad: 2"]


def test_rows_may_be_longer_than_the_header() -> None:
    assert row_lines([["a", "b", "c"], ["1", "2", "3", "4"]]) == ["a: 1; b: 2; c: 3; 4"]


def test_merged_cells_stand_in_every_row_and_under_every_heading_that_they_cover() -> None:
    rows: Rows = [
        [Cell("省份", down=2), Cell("住宿标准", across=2)],
        ["部级", "处级"],
        [Cell("山西", down=2), "1100", "480"],
        [Cell("650", across=2)],
    ]
    assert write(rows).lines == [
        "省份: 山西; 住宿标准 / 部级: 1100; 住宿标准 / 处级: 480",
        "省份: 山西; 住宿标准 / 部级: 650; 住宿标准 / 处级: 650",
    ]


def test_headings_of_three_rows_and_one_that_is_told_of_several() -> None:
    rows: Rows = [
        [Cell("Site", down=3), Cell("2023", across=3)],
        [Cell("Q1", across=2), Cell("Q2", down=2)],
        ["home", "abroad"],
        ["A", "1", "2", "3"],
    ]
    line = "Site: A; 2023 / Q1 / home: 1; 2023 / Q1 / abroad: 2; 2023 / Q2: 3"
    assert write(rows).lines == write(rows, 1).lines == write(rows, 3).lines == [line]


@pytest.mark.parametrize("headers", [None, 1, 2])
def test_a_text_over_all_columns_is_a_title(headers: int | None) -> None:
    rows: Rows = [[Cell("Trees", across=3)], ["Name", "Age", "Size"], ["oak", "100", "20"]]
    assert write(rows, headers) == (["Trees"], ["Name: oak; Age: 100; Size: 20"])


def test_a_label_over_some_columns_before_a_row_of_names_is_a_title() -> None:
    rows: Rows = [[Cell("书单", across=2), "", ""], ["序号", "类别", "书名", "作者"], ["1", "小说", "围城", "钱钟书"]]
    assert write(rows) == (["书单"], ["序号: 1; 类别: 小说; 书名: 围城; 作者: 钱钟书"])


def test_a_row_of_one_cell_below_the_headings_stands_alone() -> None:
    rows: Rows = [["Name", "Age", "Size"], [Cell("Conifers", across=3)], ["fir", "9", "3"]]
    assert write(rows, 1).lines == ["Conifers", "Name: fir; Age: 9; Size: 3"]


def test_lines_of_a_cell_are_told_apart_and_those_of_a_heading_joined() -> None:
    rows: Rows = [[Cell("设备\n名称"), "Steps", "No"], ["a", Cell("1. open:\n2. close\n3. lock\n(twice)"), "5"]]
    assert write(rows).lines == ["设备名称: a; Steps: 1. open: 2. close / 3. lock (twice); No: 5"]


def test_a_table_in_a_cell() -> None:
    inner = inline([["Part", "Count", "Note"], ["bolt", "4", ""], ["nut", "5", "M3"]])
    rows: Rows = [["Kit", "Parts", "No"], ["a", Cell(inner), "7"]]
    assert write(rows).lines == ["Kit: a; Parts: (Part: bolt, Count: 4) (Part: nut, Count: 5, Note: M3); No: 7"]


def test_the_last_heading_may_be_missing_and_spacing_columns_go() -> None:
    rows: Rows = [["编号", "问题", "", "答复", ""], ["A1", "目标", "", "降低成本", "见附件"]]
    assert write(rows).lines == ["编号: A1; 问题: 目标; 答复: 降低成本; 见附件"]
    spaced: Rows = [["", Cell("Sales", across=3)], ["Year", "home", "", "abroad"], ["2023", "1", "", "2"]]
    assert write(spaced).lines == ["Year: 2023; Sales / home: 1; Sales / abroad: 2"]


def test_cells_that_claim_too_much_are_bounded() -> None:
    rows: Rows = [[Cell("a", down=10**9, across=10**9), "b"], ["c"]]
    assert write(rows).lines == ["a | b", "a | c"]
