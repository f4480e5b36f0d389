"""Rows of tables as lines."""

import pytest

from loaders.table import heading_rows, row_lines


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
    assert row_lines(rows, 2) == ["Year: 2023; Sales home: 1; Sales abroad: 2"]


def test_rows_may_be_longer_than_the_header() -> None:
    assert row_lines([["a", "b", "c"], ["1", "2", "3", "4"]]) == ["a: 1; b: 2; c: 3; 4"]


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([["Name", "Note"], ["Ann", "none"], ["Bob", "3"]], 1),
        ([["", "2022", "2023"], ["Sales", "10", "12"]], 1),
        ([["Region", "Results", ""], ["", "Accuracy", "Time"], ["North", "34%", "12"]], 2),
        ([["Ann", "12"], ["Bob", "13"]], 0),
        ([["a", ""], ["b", ""], ["c", ""], ["d", ""], ["e", ""], ["f", "1"]], 0),
        ([["x", "y"]], 0),
    ],
)
def test_rows_of_headings(rows: list[list[str]], count: int) -> None:
    assert heading_rows(rows) == count
