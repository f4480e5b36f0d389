"""Tables in their place between the lines, and over the ends of pages."""

from collections.abc import Iterator, Sequence

from loaders.builder import DocumentBuilder
from loaders.pdf.lines import Line
from loaders.pdf.tables import PdfTable
from loaders.table import has_header, is_number

Row = tuple[str, ...]


def in_order(lines: Sequence[Line], tables: Sequence[PdfTable]) -> Iterator[list[Line] | PdfTable]:
    """Yield lines that stand together and tables; a table comes where its first line was, and its lines go."""
    run: list[Line] = []
    waiting = list(tables)
    for line in lines:
        x, y = (line.left + line.right) / 2, (line.top + line.bottom) / 2
        table = next((table for table in tables if table.holds(x, y)), None)
        if table is None:
            run.append(line)
        elif table in waiting:
            waiting.remove(table)
            if run:
                yield run
            run = []
            yield table
    if run:
        yield run


class TableRun:
    """Adds tables to a document; one that goes on over the page keeps its header, which is not repeated as a row."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._last: PdfTable | None = None
        self._last_page = 0
        self._header: Row | None = None

    def end(self) -> None:
        """Note that something else followed the last table."""
        self._last = None

    def add(self, table: PdfTable, page: int) -> None:
        """Add a table as a block with its header's words in each row; a first row of one cell is its caption."""
        if self._last is not None and self._last_page == page - 1 and table.continues(self._last):
            rows = [row for row in table.rows if row != self._header]
        else:
            rows = self._begin(table, page)
        heads = [self._header] if self._header else []
        if rows:
            self._builder.table([*heads, *rows], page, headers=len(heads))
        self._last, self._last_page = table, page

    def _begin(self, table: PdfTable, page: int) -> list[Row]:
        rows = list(table.rows)
        if len(rows) > 2 and sum(map(bool, rows[0])) == 1:
            self._builder.paragraph(" ".join(rows.pop(0)), page)
        self._header = rows[0] if _has_header(rows, headed=table.headed) else None
        return rows[1:] if self._header else rows


def _has_header(rows: list[Row], *, headed: bool) -> bool:
    """A row that rules set apart is a header unless it holds numbers; of other first rows the cells tell."""
    if headed:
        return not any(map(is_number, rows[0]))
    return has_header([[" ".join(cell.split()) for cell in row] for row in rows])
