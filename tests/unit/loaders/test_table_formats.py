"""The same tables written in each format and read back: every cell, under every heading that stands over it."""

import html
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet
from pptx.util import Cm

from loaders import load

_LEAST_WITH_HEADINGS = 0.98


@dataclass
class _Merged:
    """A cell as it was drawn: where it begins, what it covers, its lines."""

    row: int
    column: int
    down: int
    across: int
    lines: list[str]


@dataclass
class _Table:
    headers: int
    width: int
    cells: list[_Merged] = field(default_factory=list)

    @property
    def height(self) -> int:
        return max(cell.row + cell.down for cell in self.cells)

    def at(self, row: int, column: int) -> _Merged:
        return next(
            cell
            for cell in self.cells
            if cell.row <= row < cell.row + cell.down and cell.column <= column < cell.column + cell.across
        )

    def expected(self) -> list[list[str]]:
        """Return what must stand on the line of each row: each cell with the headings from top to bottom over it."""
        rows = []
        for row in range(self.headers, self.height):
            texts = []
            for column in range(self.width):
                over = dict.fromkeys(self.at(above, column).lines[0] for above in range(self.headers))
                texts.append(f"{' / '.join(over)}: {' / '.join(self.at(row, column).lines)}")
            rows.append(texts)
        return rows


def _made(chance: random.Random) -> _Table:
    """Draw a table: headings of up to three rows over each other, rows of words, numbers and lists, some merged."""
    headers, names = chance.randint(1, 3), count(1)
    table = _Table(headers, 0)
    while table.width < 3 or (table.width < 7 and chance.random() < 0.5):
        table.width += _heading(table, chance, names, 0, headers)
    bottom = headers + chance.randint(2, 5)
    free = {(row, column) for row in range(headers, bottom) for column in range(table.width)}
    values = count(1)
    for row, column in sorted(free):
        if (row, column) not in free:
            continue
        down = 2 if (row + 1, column) in free and chance.random() < 0.15 else 1
        across = 2 if down == 1 and (row, column + 1) in free and column and chance.random() < 0.1 else 1
        free -= {(row + below, column + beside) for below in range(down) for beside in range(across)}
        table.cells.append(_Merged(row, column, down, across, _value(chance, next(values), is_name=column == 0)))
    return table


def _heading(table: _Table, chance: random.Random, names: "count[int]", row: int, rows: int) -> int:
    """Add a heading and those below it; return how many columns it stands over."""
    place = len(table.cells)
    column = table.width
    name = chance.choice(["名称", "数量", "Region", "价格（元）", "Site"]) + _letters(next(names))
    if row + 1 == rows or table.width == 0 or chance.random() < 0.4:
        table.cells.append(_Merged(row, column, rows - row, 1, [name]))
        return 1
    width, before = 0, table.width
    for _ in range(chance.randint(2, 3)):
        table.width = before + width
        width += _heading(table, chance, names, row + 1, rows)
    table.width = before
    table.cells.insert(place, _Merged(row, column, 1, width, [name]))
    return width


def _letters(number: int) -> str:
    return chr(ord("A") + number // 26) + chr(ord("a") + number % 26)


def _value(chance: random.Random, number: int, *, is_name: bool) -> list[str]:
    word = f"{chance.choice(['泵', 'valve', '上海', 'oak'])}{_letters(number)}"
    if is_name:
        return [word]
    kind = chance.random()
    if kind < 0.5:
        return [str(number * 7 + chance.choice([0, 0.5]))]
    return [word] if kind < 0.85 else [f"{word} {part}" for part in "甲乙丙"[: chance.randint(2, 3)]]


Writer = Callable[[_Table], bytes]


def _html(table: _Table) -> bytes:
    rows = []
    for row in range(table.height):
        tag = "th" if row < table.headers else "td"
        cells = [
            f"<{tag} rowspan={cell.down} colspan={cell.across}>{_html_lines(cell.lines)}</{tag}>"
            for cell in sorted(table.cells, key=lambda cell: cell.column)
            if cell.row == row
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<!doctype html><table>{''.join(rows)}</table>".encode()


def _html_lines(lines: Sequence[str]) -> str:
    items = list(map(html.escape, lines))
    return items[0] if len(items) == 1 else f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _xlsx(table: _Table) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for cell in table.cells:
        text = "\n".join(cell.lines)
        made = sheet.cell(cell.row + 3, cell.column + 2, float(text) if text.replace(".", "").isdecimal() else text)
        made.font = Font(bold=cell.row < table.headers and table.width % 2 == 0)
        if cell.down * cell.across > 1:
            last = (cell.row + cell.down + 2, cell.column + cell.across + 1)
            sheet.merge_cells(None, cell.row + 3, cell.column + 2, *last)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _pptx(table: _Table) -> bytes:
    deck = pptx.Presentation()
    shapes = deck.slides.add_slide(deck.slide_layouts[6]).shapes
    made = shapes.add_table(table.height, table.width, Cm(1), Cm(1), Cm(20), Cm(9)).table
    for cell in table.cells:
        made.cell(cell.row, cell.column).text = "\n".join(cell.lines)
        if cell.down * cell.across > 1:
            last = made.cell(cell.row + cell.down - 1, cell.column + cell.across - 1)
            made.cell(cell.row, cell.column).merge(last)
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def _docx(table: _Table) -> bytes:
    document = docx.Document()
    made = document.add_table(table.height, table.width)
    for cell in table.cells:
        first = made.cell(cell.row, cell.column)
        if cell.down * cell.across > 1:
            first = first.merge(made.cell(cell.row + cell.down - 1, cell.column + cell.across - 1))
        first.text = cell.lines[0]
        for line in cell.lines[1:]:
            first.add_paragraph(line)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _open(table: _Table, kind: str, before: str, after: str) -> bytes:
    rows = []
    for row in range(table.height):
        cells = []
        for column in range(table.width):
            cell = table.at(row, column)
            if (cell.row, cell.column) == (row, column):
                span = f'table:number-rows-spanned="{cell.down}" table:number-columns-spanned="{cell.across}"'
                lines = "".join(f"<text:p>{html.escape(line)}</text:p>" for line in cell.lines)
                cells.append(f'<table:table-cell office:value-type="string" {span}>{lines}</table:table-cell>')
            else:
                cells.append("<table:covered-table-cell/>")
        rows.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    head, body = "".join(rows[: table.headers]), "".join(rows[table.headers :])
    names = "office table text draw style svg"
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names.split())
    columns = f'<table:table-column table:number-columns-repeated="{table.width}"/>'
    made = f'<table:table table:name="T">{columns}<table:table-header-rows>{head}</table:table-header-rows>{body}'
    content = f"<office:body><office:{kind}>{before}{made}</table:table>{after}</office:{kind}></office:body>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", f"<office:document-content {spaces}>{content}</office:document-content>")
        archive.writestr("styles.xml", f"<office:document-styles {spaces}><office:styles/></office:document-styles>")
    return file.getvalue()


def _ods(table: _Table) -> bytes:
    return _open(table, "spreadsheet", "", "")


def _odp(table: _Table) -> bytes:
    return _open(table, "presentation", "<draw:page><draw:frame>", "</draw:frame></draw:page>")


def _odt(table: _Table) -> bytes:
    return _open(table, "text", "", "")


_WRITERS: dict[str, Writer] = {
    "html": _html,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "ods": _ods,
    "odp": _odp,
}


def _read_back(writer: Writer, suffix: str, folder: Path, seeds: range) -> tuple[list[str], float]:
    """Return the cells that are lost, and the share of rows in which each cell has its headings."""
    lost, rows, right = [], 0, 0
    for seed in seeds:
        table = _made(random.Random(seed))
        name = f"{seed}.{suffix}"
        Path(folder, name).write_bytes(writer(table))
        text = load(Path(folder, name), name).text
        lines = text.split("\n")
        lost += [f"{seed}: {line}" for cell in table.cells for line in cell.lines if line not in text]
        for expected in table.expected():
            rows += 1
            right += any(all(part in line.split("; ") for part in expected) for line in lines)
    return lost, right / rows


@pytest.mark.parametrize("suffix", _WRITERS)
def test_tables_come_back(tmp_path: Path, suffix: str) -> None:
    lost, share = _read_back(_WRITERS[suffix], suffix, tmp_path, range(12))
    assert lost == []
    assert share >= _LEAST_WITH_HEADINGS


@pytest.mark.slow
@pytest.mark.parametrize("suffix", _WRITERS)
def test_many_tables_come_back(tmp_path: Path, suffix: str) -> None:
    lost, share = _read_back(_WRITERS[suffix], suffix, tmp_path, range(300))
    assert lost == []
    assert share >= _LEAST_WITH_HEADINGS
