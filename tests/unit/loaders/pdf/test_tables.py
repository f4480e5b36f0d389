"""Tables and columns of PDF pages."""

from pathlib import Path

from kb_server.core.domain import BlockKind, Document
from loaders import load
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
    document = load(path, "a.pdf")
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
    assert tables(load(path, "a.pdf")) == [
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
    ((_, rows),) = tables(load(path, "a.pdf"))
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
    assert tables(load(path, "a.pdf")) == []


def test_columns_written_row_by_row_are_read_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    page: list[Placed] = [(16, 72, 740, "A heading over both of the columns")]
    for n in range(12):
        page.append((10, 72, 700 - 12 * n, f"left{n} words that fill the first column,"))
        page.append((10, 320, 700 - 12 * n, f"right{n} words that fill the second one,"))
    write_pdf(path, [page])
    text = load(path, "a.pdf").text
    places = [text.index(f"{side}{n} ") for side in ("left", "right") for n in range(12)]
    assert places == sorted(places)
    assert text.startswith("A heading")


def test_text_outside_of_the_page_is_not_on_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, [[(10, 72, 700, "On the page."), (10, 900, 600, "Beside it."), (10, 72, -40, "Below it.")]])
    assert load(path, "a.pdf").text == "On the page."
