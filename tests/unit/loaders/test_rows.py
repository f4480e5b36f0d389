"""Rows of headings at the top of a table."""

import pytest

from loaders.rows import heading_rows


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([["Name", "Note"], ["Ann", "none"], ["Bob", "3"]], 1),
        ([["", "2022", "2023"], ["Sales", "10", "12"]], 1),
        ([["Region", "Results", ""], ["", "Accuracy", "Time"], ["North", "34%", "12"]], 2),
        ([["Kind", "People", "Done", "Results", ""], ["", "", "", "Accuracy", "Time"], ["a", "5", "1", "34%", "9"]], 2),
        ([["Kind", "People", "Done", ""], ["a", "5", "1", "late"]], 1),
        ([["Ann", "12"], ["Bob", "13"]], 0),
        ([["a", ""], ["b", ""], ["c", ""], ["d", ""], ["e", ""], ["f", "1"]], 0),
        ([["x", "y"]], 0),
    ],
)
def test_rows_of_headings(rows: list[list[str]], count: int) -> None:
    assert heading_rows(rows) == count
