"""From lines on pages to headings, paragraphs, lists and tables."""

import pytest

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.pdf.layout import PdfLayout, TableRun, in_order
from loaders.pdf.lines import LINE_END_HYPHEN, Line, PageLines
from loaders.pdf.tables import PdfTable
from tests.unit.loaders.reading import blocks

_FULL = "The quick brown fox jumps over the lazy dog and runs away from it all"


def _line(text: str, y: float, size: float = 10, left: float = 72, *, bold: bool = False) -> Line:
    return Line(text, left, left + 5 * len(text), y + size, y, size, bold)


def _body(top: float, count: int = 6) -> list[Line]:
    return [_line(_FULL, top - 12 * n) for n in range(count)]


def _read(*pages: list[Line], pictures: tuple[str, ...] = ()) -> Document:
    made = [PageLines(number, 792, lines, [], list(pictures)) for number, lines in enumerate(pages, start=1)]
    return PdfLayout(made).document("a.pdf")


def test_larger_sizes_are_headings_in_the_order_of_their_size() -> None:
    lines = [_line("Report", 740, 20), _line("Results", 700, 14), *_body(680), _line("Methods", 560, 14), *_body(540)]
    document = _read(lines)
    titles = {document.text[b.start : b.end]: b.heading_path for b in document.blocks if b.kind == "heading"}
    assert titles == {"Report": ("Report",), "Results": ("Report", "Results"), "Methods": ("Report", "Methods")}


def test_bold_lines_are_headings_where_little_is_bold() -> None:
    few = [_line("Results of it", 700, bold=True), *_body(680)]
    assert blocks(_read(few))[0] == ("heading", "Results of it")
    all_bold = [_line(_FULL, 700 - 12 * n, bold=True) for n in range(4)]
    assert {kind for kind, _ in blocks(_read(all_bold))} == {"paragraph"}


@pytest.mark.parametrize("text", ["7,92,756 crore", "E = mc2", "a@b.org", "x" * 151, "."])
def test_a_formula_a_sum_or_a_long_statement_in_large_letters_is_no_heading(text: str) -> None:
    document = _read([_line(text, 740, 20), *_body(700, 60)])
    assert "heading" not in dict(blocks(document))


def test_a_gap_an_indent_and_a_short_line_begin_a_paragraph() -> None:
    gap = [*_body(700, 2), *_body(660, 2)]
    assert len(blocks(_read(gap))) == 2
    indent = [_line(_FULL, 700), _line(f"{_FULL[:-1]}.", 688), _line(_FULL, 676, left=90), _line(_FULL, 664)]
    assert len(blocks(_read(indent))) == 2
    short = [_line(_FULL, 700), _line("It ends.", 688), _line(_FULL, 676), _line(_FULL, 664)]
    assert [text for _, text in blocks(_read(short))] == [f"{_FULL} It ends.", f"{_FULL} {_FULL}"]


def test_bullets_are_a_list_and_numbers_paragraphs() -> None:
    lines = [*_body(700, 2), _line("• one", 670), _line("▪ two", 658), _line("(1) three", 640), _line("b. four", 628)]
    assert blocks(_read(lines))[1:] == [("list", "one\ntwo"), ("paragraph", "(1) three"), ("paragraph", "b. four")]


def test_divided_words_join_unless_the_document_writes_them_with_a_hyphen() -> None:
    joined = [_line(f"It is about the inter{LINE_END_HYPHEN}", 700), _line("national side of it", 688)]
    assert "international" in _read(joined).text
    kept = [
        *[_line("A well-known thing that all of them know", 720 - 12 * n) for n in range(2)],
        _line(f"This is a well{LINE_END_HYPHEN}", 696),
        _line("known matter", 684),
    ]
    assert _read(kept).text.count("well-known") == 3
    name = [_line(f"By Anna Smith{LINE_END_HYPHEN}", 700), _line("Jones of the harbour", 688)]
    assert "Smith-Jones" in _read(name).text


def test_what_most_pages_say_at_their_edges_is_said_once() -> None:
    pages = [
        [_line("Annual Report", 770), *[_line(f"{'abcdef'[n]} {_FULL}", 700)], _line(f"Page {n + 1} of 6", 30)]
        for n in range(6)
    ]
    document = _read(*pages)
    assert document.text.count("Annual Report") == 1
    assert "Page" not in document.text
    assert [block.page for block in document.blocks] == [1, 1, 2, 3, 4, 5, 6]


def test_two_pages_are_too_few_to_tell() -> None:
    pages = [[_line("Annual Report", 770), _line(f"{n} {_FULL}", 700)] for n in "ab"]
    assert _read(*pages).text.count("Annual Report") == 2


def test_words_of_pictures_follow_their_page() -> None:
    assert blocks(_read(_body(700, 2), pictures=("Invoice 4711",))) == [
        ("paragraph", f"{_FULL} {_FULL}"),
        ("image", "Invoice 4711"),
    ]


def test_a_file_without_lines_is_an_empty_document() -> None:
    document = _read([], [])
    assert (document.text, document.pages) == ("", 2)


def _table(*rows: tuple[str, ...], columns: tuple[float, ...] = (72, 200), headed: bool = False) -> PdfTable:
    return PdfTable(rows, columns, (72, 500, 300, 600), headed)


def test_a_table_comes_where_its_first_line_was_and_its_lines_go() -> None:
    table = _table(("a", "b"))
    before, inside, after = _line("before", 650), _line("inside", 550), _line("after", 400)
    assert list(in_order([before, inside, _line("more", 520), after], [table])) == [[before], table, [after]]
    assert list(in_order([before, after], [table])) == [[before, after]]


def _tables(*added: tuple[PdfTable, int]) -> list[tuple[str, str]]:
    builder = DocumentBuilder("a")
    run = TableRun(builder)
    for table, page in added:
        run.add(table, page)
    return blocks(builder.build())


_HEAD = ("Model", "Size")


def test_a_table_that_goes_on_over_the_page_keeps_its_header() -> None:
    first, second = _table(_HEAD, ("a", "1")), _table(_HEAD, ("b", "2"))
    assert _tables((first, 1), (second, 2)) == [("table", "Model: a; Size: 1"), ("table", "Model: b; Size: 2")]
    bare = _table(("b", "2"))
    assert _tables((first, 1), (bare, 2))[1] == ("table", "Model: b; Size: 2")


@pytest.mark.parametrize("page", [1, 3])
def test_one_that_does_not_follow_on_the_next_page_is_another(page: int) -> None:
    assert _tables((_table(_HEAD, ("a", "1")), 1), (_table(("b", "2")), page))[1] == ("table", "b | 2")


def test_one_with_other_columns_is_another() -> None:
    other = _table(("b", "2"), columns=(72, 250))
    assert _tables((_table(_HEAD, ("a", "1")), 1), (other, 2))[1] == ("table", "b | 2")


def test_a_first_row_of_one_cell_is_the_caption() -> None:
    found = _tables((_table(("Table 1: models", ""), _HEAD, ("a", "1")), 1))
    assert found == [("paragraph", "Table 1: models"), ("table", "Model: a; Size: 1")]


def test_a_row_that_rules_set_apart_is_the_header_unless_it_holds_numbers() -> None:
    words = _table(("Term", "Meaning"), ("kNN", "nearest"), headed=True)
    assert _tables((words, 1)) == [("table", "Term: kNN; Meaning: nearest")]
    numbers = _table(("2023", "4"), ("2024", "5"), headed=True)
    assert _tables((numbers, 1)) == [("table", "2023 | 4\n2024 | 5")]
