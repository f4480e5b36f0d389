"""Tables of PDF pages."""

from collections.abc import Sequence
from pathlib import Path

from kb_server.core.domain import BlockKind, Document
from loaders.pdf.loader import PdfLoader
from loaders.pdf.rules import Rule
from loaders.pdf.tables import PdfTable, find_tables, may_hold_tables
from loaders.pdf.words import Word
from tests.unit.loaders.pdf.writer import Placed, Segment, write_pdf

WIDTHS = (72, 200, 300, 400)
HEAD = ("Model", "Size", "Speed")


def row(y: int, *cells: str) -> list[Placed]:
    return [(10, WIDTHS[column] + 4, y, cell) for column, cell in enumerate(cells)]


def grid(top: int, rows: int, height: int = 20) -> list[Segment]:
    bottom = top - rows * height
    flat: list[Segment] = [(WIDTHS[0], top - n * height, WIDTHS[-1], top - n * height) for n in range(rows + 1)]
    return [*flat, *((x, bottom, x, top) for x in WIDTHS)]


def tables(document: Document) -> list[tuple[int | None, list[str]]]:
    return [
        (block.page, document.text[block.start : block.end].split("\n"))
        for block in document.blocks
        if block.kind is BlockKind.TABLE
    ]


def test_a_framed_table_stands_between_its_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    page = [
        (10, 72, 740, "What came before."),
        *row(705, *HEAD),
        *row(685, "MiniLM", "90 MB", "fast"),
        *row(665, "bge", "400 MB", "slow"),
        (10, 72, 600, "What came after."),
    ]
    write_pdf(path, [page], drawn=[grid(720, 3)])
    document = PdfLoader().load(path, "a.pdf")
    assert document.text.split("\n\n") == [
        "What came before.",
        "Model: MiniLM; Size: 90 MB; Speed: fast\nModel: bge; Size: 400 MB; Speed: slow",
        "What came after.",
    ]


def test_a_table_goes_on_over_the_page_and_keeps_its_header(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    first = [*row(105, *HEAD), *row(85, "MiniLM", "90 MB", "fast"), *row(65, "bge", "400 MB", "slow")]
    repeated = [*row(705, *HEAD), *row(685, "gte", "70 MB", "fast"), *row(665, "e5", "1 GB", "slow")]
    bare = [*row(705, "jina", "300 MB", "slow"), *row(685, "labse", "1.8 GB", "slow")]
    write_pdf(path, [first, repeated, bare], drawn=[grid(120, 3), grid(720, 3), grid(720, 2)])
    assert tables(PdfLoader().load(path, "a.pdf")) == [
        (1, ["Model: MiniLM; Size: 90 MB; Speed: fast", "Model: bge; Size: 400 MB; Speed: slow"]),
        (2, ["Model: gte; Size: 70 MB; Speed: fast", "Model: e5; Size: 1 GB; Speed: slow"]),
        (3, ["Model: jina; Size: 300 MB; Speed: slow", "Model: labse; Size: 1.8 GB; Speed: slow"]),
    ]


def test_three_rules_are_a_table(tmp_path: Path) -> None:
    """As papers are set: no vertical lines, rules above and below the header and at the end."""
    path = tmp_path / "a.pdf"
    page = [
        *row(705, *HEAD),
        *row(685, "MiniLM", "90 MB", "fast"),
        *row(670, "bge", "400 MB", "slow"),
        *row(655, "e5", "1 GB", "slow"),
        *[(10, 72, 600 - 12 * n, "Running text that has nothing to do with the table above it.") for n in range(20)],
    ]
    write_pdf(path, [page], drawn=[[(72, y, 400, y) for y in (720, 700, 650)]])
    ((_, rows),) = tables(PdfLoader().load(path, "a.pdf"))
    assert rows == [
        "Model: MiniLM; Size: 90 MB; Speed: fast",
        "Model: bge; Size: 400 MB; Speed: slow",
        "Model: e5; Size: 1 GB; Speed: slow",
    ]


def test_rules_around_prose_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    lines: list[Placed] = [(10, 72, 700 - 12 * n, f"Line {n} of prose that goes on from here.") for n in range(40)]
    right: list[Placed] = [(10, 320, 700 - 12 * n, f"Other {n} of prose that goes on from here.") for n in range(40)]
    write_pdf(path, [[*lines, *right]], drawn=[[(72, y, 540, y) for y in (760, 720, 200)]])
    assert tables(PdfLoader().load(path, "a.pdf")) == []


def _word(text: str, left: float, middle: float) -> Word:
    return Word(text, left, left + 5 * len(text), middle + 5, middle - 5, 0)


def _frame(xs: Sequence[float], ys: Sequence[float]) -> list[Rule]:
    flat = [Rule(xs[0], y, xs[-1], y) for y in ys]
    return [*flat, *(Rule(x, min(ys), x, max(ys)) for x in xs)]


def test_each_framed_cell_holds_the_words_in_it() -> None:
    words = [
        _word("Name", 10, 90),
        _word("Size", 110, 90),
        _word("oak", 10, 70),
        _word("tree", 40, 70),
        _word("20", 110, 70),
    ]
    (table,) = find_tables(_frame((0, 100, 200), (100, 80, 60)), words)
    assert table.rows == (("Name", "Size"), ("oak tree", "20"))
    assert table.box == (0, 60, 200, 100)


def test_a_cell_that_spans_rows_is_repeated() -> None:
    rules = [
        *(Rule(0, y, 200, y) for y in (100, 60)),
        Rule(100, 80, 200, 80),  # only right of the first column
        *(Rule(x, 60, x, 100) for x in (0, 100, 200)),
    ]
    words = [_word("both", 10, 80), _word("one", 110, 90), _word("two", 110, 70)]
    (table,) = find_tables(rules, words)
    assert table.rows == (("both", "one"), ("both", "two"))


def test_rules_that_miss_each_other_by_a_little_still_meet() -> None:
    words = [_word("a", 10, 90), _word("b", 110, 90), _word("c", 10, 70), _word("d", 110, 70)]
    rules = [
        Rule(r.x0 + 1.5, r.y0, r.x1 + 1.5, r.y1) if r.is_horizontal else r for r in _frame((0, 100, 200), (100, 80, 60))
    ]
    assert [table.rows for table in find_tables(rules, words)] == [(("a", "b"), ("c", "d"))]


def test_the_grid_of_a_chart_is_no_table() -> None:
    rules = _frame(range(0, 101, 10), range(0, 101, 10))
    assert find_tables(rules, [_word("7", 12, 15)]) == []


def test_tables_come_topmost_first() -> None:
    rules = [*_frame((0, 100, 200), (100, 80, 60)), *_frame((0, 100, 200), (300, 280, 260))]
    words = [_word(f"w{x}{y}", x, y) for x in (10, 110) for y in (90, 70, 290, 270)]
    assert [table.box[3] for table in find_tables(rules, words)] == [300, 100]


def test_where_a_table_stands_and_what_may_go_on_with_it() -> None:
    table = PdfTable((), (72.0, 200.0), (72, 100, 300, 200))
    assert table.holds(70.5, 150)
    assert not table.holds(72, 99)
    assert PdfTable((), (75.0, 198.0), (0, 0, 1, 1)).continues(table)
    assert not PdfTable((), (72.0, 210.0), (0, 0, 1, 1)).continues(table)
    assert not PdfTable((), (72.0, 200.0, 250.0), (0, 0, 1, 1)).continues(table)


def test_three_flat_rules_may_be_a_table_and_a_map_is_none() -> None:
    flat = [Rule(0, y, 100, y) for y in range(3)]
    assert may_hold_tables(flat)
    assert not may_hold_tables(flat[:2] + [Rule(0, 0, 0, 9)] * 5)
    assert not may_hold_tables(flat * 501)
