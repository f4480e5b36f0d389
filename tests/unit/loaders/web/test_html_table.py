"""Tables of web pages: cells that span, headings, blocks within cells, and tables that only lay out a page."""

import pytest

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.web.html import add_html


def _document(source: str) -> Document:
    builder = DocumentBuilder("a")
    add_html(builder, source)
    return builder.build()


def _lines(source: str) -> list[str]:
    return _document(f"<table>{source}</table>").text.split("\n")


def test_headings_that_span_columns_stand_above_each() -> None:
    assert _lines(
        "<tr><th></th><th colspan=2>Sales</th></tr><tr><th>Year</th><th>home</th><th>abroad</th></tr>"
        "<tr><td rowspan=2>2023</td><td>$</td><td>1</td></tr><tr><td>3</td><td>4</td></tr>"
    ) == ["Year: 2023; Sales / abroad: $1", "Year: 2023; Sales / home: 3; Sales / abroad: 4"]


def test_a_cell_that_spans_rows_is_repeated_and_without_headings_one_that_spans_columns_is_not() -> None:
    source = "<tr><td rowspan=3>a</td><td colspan=2>b</td></tr><tr><td>c<td>d</tr><tr><td>e<td>f</tr>"
    assert _lines(source) == ["a | b", "a | c | d", "a | e | f"]


@pytest.mark.parametrize("span", ["1000000000", "0", "-1", "many", "", "²"])
def test_a_span_that_is_no_sensible_number_costs_nothing(span: str) -> None:
    lines = _lines(f"<tr><td colspan='{span}' rowspan='{span}'>a<td>b</tr><tr><td>c<td>d</tr>")
    assert lines[0] == "a | b"
    assert all(len(line) < 20 for line in lines)


@pytest.mark.parametrize("sign", ["$", "€", "£", "¥", "("])
def test_a_currency_sign_joins_its_number(sign: str) -> None:
    assert _lines(f"<tr><td>x<td>{sign}<td>12</tr>") == [f"x | {sign}12"]


def test_what_is_not_shown_is_not_in_a_cell() -> None:
    source = "<tr><td>a<script>x</script><style>y</style><!-- z --><td>b<br>c <img alt=d></tr>"
    assert _lines(source) == ["a | b / c d"]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("<tr><td>a<td>b</tr>", ["a | b"]),
        ("<tr><td>one cell</tr>", ["one cell"]),
        ("<tr><td><h2>t</h2><td>b</tr>", ["t", "", "b"]),
        ("<tr><td><ul><li>x</ul><td>b</tr>", ["x", "", "b"]),
        ("<tr><td><table></table><td>b</tr>", ["b"]),
        ("<tr><td><h1>t</h1><td>a<tr><td>b<td>c</tr>", ["t", "", "a", "", "b", "", "c"]),
        ("<tr><td><p>a</p><p>b</p></tr><tr><td><p>c</p></tr>", ["a", "", "b", "", "c"]),
    ],
)
def test_a_table_that_arranges_other_blocks_is_layout(source: str, lines: list[str]) -> None:
    assert _lines(source) == lines


_HEAD = "<tr><th>Name</th><th>Steps</th><th>No</th></tr>"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("<ul><li>open</li><li>close</li></ul>", "open / close"),
        ("first:<ol><li>open<li>close</ol>", "first: 1. open / 2. close"),
        ("<p>One.</p><p>Two</p>", "One. Two"),
        ("<h3>Kind</h3>text", "Kind / text"),
        ("<pre><code>a = 1\n\nb = 2</code></pre>", "a = 1 / b = 2"),
        ("<dl><dt>Oak<dd>a tree</dl>", "Oak: a tree"),
        (
            "<table><tr><th>Part</th><th>Count</th></tr><tr><td>bolt</td><td>4</td></tr><tr><td>nut</td></tr></table>",
            "(Part: bolt, Count: 4) (Part: nut)",
        ),
        ("<table><tr><td>only</td></tr></table>", "only"),
        ("<blockquote><b>B</b>old</blockquote>", "Bold"),
    ],
)
def test_blocks_in_a_cell_are_its_lines_and_no_sections(cell: str, written: str) -> None:
    document = _document(f"<h1>T</h1><table>{_HEAD}<tr><td>pump<td>{cell}<td>7</table><p>after")
    assert f"Name: pump; Steps: {written}; No: 7" in document.text
    assert {block.heading_path for block in document.blocks} == {("T",)}


def test_a_caption_stands_above_and_names_no_column() -> None:
    caption = "<caption>Sales <b>2023</b></caption>"
    assert _lines(f"{caption}<tr><td>x<td>1</tr>") == ["Sales 2023", "", "x | 1"]
    assert _lines(f"{caption}{_HEAD}<tr><td>a<td>b<td>1</tr>")[2] == "Name: a; Steps: b; No: 1"


def test_sections_of_a_table_and_headings_of_rows() -> None:
    source = (
        "<thead><tr><td>Name<td>Age</tr></thead><tbody><tr><th colspan=2>Trees</tr><tr><th>oak<td>100</tr></tbody>"
        "<tfoot><tr><td>all<td>100</tr></tfoot>"
    )
    assert _lines(source) == ["Trees", "Name: oak; Age: 100", "Name: all; Age: 100"]


def test_a_title_over_all_columns_is_no_heading_of_them() -> None:
    source = "<tr><th colspan=3>Trees</th></tr><tr><td>Name<td>Age<td>Kind</tr><tr><td>oak<td>100<td>hard</tr>"
    assert _lines(source) == ["Trees", "", "Name: oak; Age: 100; Kind: hard"]


def test_the_numbers_of_a_list_go_on_after_a_table_in_it() -> None:
    table = f"<table>{_HEAD}<tr><td>a<td>b<td>1</table>"
    assert _document(f"<ol><li>one<li>two{table}<li>three</ol>").text.endswith("3. three")


def test_tables_as_deep_as_nobody_writes_keep_their_words() -> None:
    source = "<table border=1><tr><td>a<td>" * 300 + "core" + "</table>" * 300
    assert "core" in _document(source).text
