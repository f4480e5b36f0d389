"""Tables of web pages: cells that span, headings, and tables that only lay out a page."""

import pytest
from bs4 import BeautifulSoup
from bs4.element import Tag

from loaders.table import row_lines
from loaders.web.html import is_layout, table_rows


def _table(source: str) -> Tag:
    found = BeautifulSoup(f"<table>{source}</table>", "html.parser").find("table")
    assert isinstance(found, Tag)
    return found


def test_headings_that_span_columns_stand_above_each() -> None:
    rows, headers = table_rows(
        _table(
            "<tr><th></th><th colspan=2>Sales</th></tr><tr><th>Year</th><th>home</th><th>abroad</th></tr>"
            "<tr><td rowspan=2>2023</td><td>$</td><td>1</td></tr><tr><td>3</td><td>4</td></tr>"
        )
    )
    assert (rows[0], headers) == (["", "Sales", "Sales"], 2)
    assert row_lines(rows, headers) == [
        "Year: 2023; Sales / abroad: $1",
        "Year: 2023; Sales / home: 3; Sales / abroad: 4",
    ]


def test_a_cell_that_spans_rows_is_repeated_and_one_that_spans_columns_is_not() -> None:
    rows, headers = table_rows(
        _table("<tr><td rowspan=3>a</td><td colspan=2>b</td></tr><tr><td>c<td>d</tr><tr><td>e<td>f</tr>")
    )
    assert rows == [["a", "b", ""], ["a", "c", "d"], ["a", "e", "f"]]
    assert headers is None


@pytest.mark.parametrize("span", ["1000000000", "0", "-1", "many", ""])
def test_a_span_that_is_no_sensible_number_costs_nothing(span: str) -> None:
    rows, _ = table_rows(_table(f"<tr><th colspan='{span}' rowspan='{span}'>a<th>b</tr><tr><td>c<td>d</tr>"))
    assert all(len(row) <= 102 for row in rows)
    assert rows[0][0] == "a"


@pytest.mark.parametrize("sign", ["$", "€", "£", "¥", "("])
def test_a_currency_sign_joins_its_number(sign: str) -> None:
    assert table_rows(_table(f"<tr><td>x<td>{sign}<td>12</tr>"))[0] == [["x", "", f"{sign}12"]]


def test_what_is_not_shown_is_not_in_a_cell() -> None:
    source = "<tr><td>a<script>x</script><style>y</style><!-- z --><td>b<br>c <img alt=d></tr>"
    assert table_rows(_table(source))[0] == [["a", "b c d"]]


@pytest.mark.parametrize(
    ("source", "layout"),
    [
        ("<tr><td>a<td>b</tr>", False),
        ("<tr><td>one cell</tr>", True),
        ("<tr><td><h2>t</h2><td>b</tr>", True),
        ("<tr><td><ul><li>x</ul><td>b</tr>", True),
        ("<tr><td><table></table><td>b</tr>", True),
    ],
)
def test_a_table_that_arranges_other_blocks_is_layout(source: str, layout: bool) -> None:
    assert is_layout(_table(source)) is layout
