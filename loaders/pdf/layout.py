"""From lines on pages to headings, paragraphs and lists."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.pdf.lines import LINE_END_HYPHEN, Line, PageLines
from loaders.pdf.tables import PdfTable
from loaders.rows import has_header, is_number

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


_WORD = re.compile(r"[\w'’-]+")

_DIVIDED = re.compile(rf"([\w'’-]+){LINE_END_HYPHEN}\s*([\w'’-]+)")

_ENDS_DIVIDED = re.compile(r"[^\W\d_][-‐]$")

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")

_PAGE = re.compile(r"page|seite|\bof\b|\bvon\b|[第共页頁]")

_BULLET = re.compile(r"\s*[●•▪■◦○‣⁃∙·\uf0b7\uf0a7]\s*")

_NUMBERED_ITEM = re.compile(r"\(?(?:\d{1,2}|[a-z])[.)、]\s+\S")

_ENDS_SENTENCE = re.compile(r"[.!?。！？：:;；]['\"”’)）]*$")

_NO_TITLE = re.compile(r"[=|{}@<>∈]|^[,;.)]")

_FIGURE = re.compile(r"\W{0,3}\d{1,3}(?:,\d{2,3})+(?:\.\d+)?\W*\w*\W*")

_BOLD_HEADING = re.compile(r"(?!.*[=|{}@<>])[A-Z\d\u3400-\u9fff\uac00-\ud7a3“《【].{1,99}(?<![.!?。！？,，;；])")

_LONGEST_HEADING = 150

_SAME_SIZE = 0.06

_MOST_LEVELS = 4

_EDGE_LINES = 2

_FEWEST_PAGES = 3

_FEWEST_LETTERS = 2  # of a running line that says anything


class PdfLayout:
    """Tells what lines are from their sizes, gaps and repetition over the whole file."""

    def __init__(self, pages: list[PageLines]) -> None:
        furniture = _running_lines(pages)
        self._pages = pages
        self._kept = [(page, [x for x in page.lines if not _is_furniture(page, x, furniture)]) for page in pages]
        self._running = _said_only_by_running_lines(self._kept)
        lines = [line for _, kept in self._kept for line in kept]
        self._body_size = _most_usual_size(lines)
        self._sizes = _heading_sizes(lines, self._body_size)
        self._bold_stands_out = _is_bold_rare(lines)
        self._usual_width = _usual_width(lines)
        self._words = Counter(word for line in lines for word in _WORD.findall(line.text))

    def document(self, name: str) -> Document:
        """Return the document; page numbers count from 1 and do not look at the printed ones."""
        builder = DocumentBuilder(name)
        tables = TableRun(builder)
        for page, lines in self._kept:
            above, below = self._running.get(page.number, ([], []))
            builder.lines("\n".join(above), page.number)
            for part in in_order(lines, page.tables):
                if isinstance(part, PdfTable):
                    tables.add(part, page.number)
                else:
                    tables.end()
                    self._add_lines(builder, part, page.number)
            for text in page.pictures:
                tables.end()
                builder.picture(text, page.number)
            builder.lines("\n".join(below), page.number)
        return builder.build(pages=len(self._pages))

    def _add_lines(self, builder: DocumentBuilder, lines: list[Line], page: int) -> None:
        items: list[str] = []
        for group in _groups(lines, self._starts_block):
            text = self._undivided("\n".join(line.text for line in group))
            if _BULLET.match(text):
                items.append(_BULLET.sub("", text, count=1))
                continue
            builder.items(items, page)
            items = []
            self._add(builder, group, text, page)
        builder.items(items, page)

    def _add(self, builder: DocumentBuilder, group: list[Line], text: str, page: int) -> None:
        level = self._level(group[0])
        if level is not None and _is_title(text):
            builder.heading(level, text, page)
        else:
            builder.paragraph(text, page)

    def _level(self, line: Line) -> int | None:
        """Return the rank of the line's size among those larger than the body's; bold lines of body size come last."""
        for rank, size in enumerate(self._sizes, start=1):
            if abs(line.size - size) <= _SAME_SIZE * size:
                return rank
        is_large_enough = self._bold_stands_out and line.bold and round(line.size) >= self._body_size
        return len(self._sizes) + 1 if is_large_enough and _BOLD_HEADING.fullmatch(line.text) else None

    def _starts_block(self, before: Line, line: Line) -> bool:
        """Tell whether a line begins something new: another size, a gap, a bullet, an indent, a column."""
        gap = before.bottom - line.top
        if self._level(before) != self._level(line) or gap > 0.65 * line.size or _is_item(line.text):
            return True
        if before.text.endswith(LINE_END_HYPHEN):
            return False
        if self._ends_early(before) and not line.text[0].islower():
            return self._level(line) is None and _BULLET.match(before.text) is None
        return _begins_elsewhere(before, line)

    def _ends_early(self, line: Line) -> bool:
        return line.right - line.left < 0.65 * self._usual_width

    def _undivided(self, text: str) -> str:
        """Join words divided at line ends, with their hyphen where the document has it elsewhere."""
        lines = text.split("\n")
        marked = [_ENDS_DIVIDED.sub(lambda m: m[0][0] + LINE_END_HYPHEN, line) for line in lines[:-1]]
        glued = "\n".join([*marked, lines[-1]]).replace(f"{LINE_END_HYPHEN}\n", LINE_END_HYPHEN)
        return _DIVIDED.sub(self._whole_word, glued).replace(LINE_END_HYPHEN, "-")

    def _whole_word(self, divided: re.Match[str]) -> str:
        first, second = divided[1], divided[2]
        hyphenated = f"{first}-{second}"
        keeps = not second[0].islower() or self._words[hyphenated] > self._words[first + second]
        return hyphenated if keeps else first + second


def _begins_elsewhere(before: Line, line: Line) -> bool:
    """Tell a line behind a full stop that stands in the next column or is indented."""
    is_above = before.bottom - line.top < -1.5 * line.size
    is_indented = line.left - before.left > 0.8 * line.size and _BULLET.match(before.text) is None
    return (is_above or is_indented) and _ENDS_SENTENCE.search(before.text) is not None


def _is_item(text: str) -> bool:
    return _BULLET.match(text) is not None or _NUMBERED_ITEM.match(text) is not None


def _is_title(text: str) -> bool:
    """Tell a title from a formula, an address, a sum or a long statement in large letters."""
    has_words = sum(map(str.isalpha, text)) > 1 and _FIGURE.fullmatch(text) is None
    return has_words and len(text) <= _LONGEST_HEADING and _NO_TITLE.search(text) is None


def _groups(lines: Iterable[Line], starts_block: Callable[[Line, Line], bool]) -> list[list[Line]]:
    groups: list[list[Line]] = []
    for line in lines:
        if groups and not starts_block(groups[-1][-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _is_bold_rare(lines: list[Line]) -> bool:
    return _letters(line for line in lines if line.bold) < 0.2 * _letters(lines)


def _letters(lines: Iterable[Line]) -> int:
    return sum(len(line.text) for line in lines)


def _most_usual_size(lines: list[Line]) -> int:
    """Return the size, in whole points, in which most characters are set."""
    sizes: Counter[int] = Counter()
    for line in lines:
        sizes[round(line.size)] += len(line.text)
    return max(sizes, key=lambda size: sizes[size], default=0)


def _heading_sizes(lines: list[Line], body_size: int) -> list[int]:
    """Return the sizes clearly larger than the body's, largest first; a heading size is a small part of the text."""
    total = _letters(lines)
    large: Counter[int] = Counter()
    for line in lines:
        if line.size > 1.12 * body_size and round(line.size) > body_size:
            large[round(line.size)] += len(line.text)
    return _apart(size for size, count in large.items() if count < 0.15 * total)[:_MOST_LEVELS]


def _apart(sizes: Iterable[int]) -> list[int]:
    """Return sizes, largest first, without those that look like the one before."""
    kept: list[int] = []
    for size in sorted(sizes, reverse=True):
        if not kept or size < (1 - _SAME_SIZE) * kept[-1]:
            kept.append(size)
    return kept


def _usual_width(lines: list[Line]) -> float:
    """Return the width that nine of ten lines do not exceed: that of a column."""
    widths = sorted(line.right - line.left for line in lines)
    return widths[len(widths) * 9 // 10] if widths else 0.0


def _running_lines(pages: list[PageLines]) -> dict[str, float]:
    """Return the first and last lines (numbers aside) that a third of the pages share, and their usual size.

    Left and right pages may differ.
    """
    seen: dict[str, list[float]] = defaultdict(list)
    for page in pages:
        for shape, line in {_shape(line.text): line for line in _edges(page)}.items():
            seen[shape].append(line.size)
    written = sum(bool(page.lines) for page in pages)
    fewest = max(2, written * 0.3)
    return {shape: median(sizes) for shape, sizes in seen.items() if written >= _FEWEST_PAGES and len(sizes) > fewest}


def _said_only_by_running_lines(kept: list[tuple[PageLines, list[Line]]]) -> dict[int, tuple[list[str], list[str]]]:
    """Return by page number the running lines that stand there first, above and below; each is kept that once.

    Not those that the text says too, as a title does, nor page numbers.
    """
    seen = {_shape(line.text) for _, lines in kept for line in lines}
    found: dict[int, tuple[list[str], list[str]]] = {}
    for page, lines in kept:
        for line in page.lines:
            shape = _shape(line.text)
            if line in lines or shape in seen or sum(map(str.isalpha, _PAGE.sub("", shape))) < _FEWEST_LETTERS:
                continue
            seen.add(shape)
            found.setdefault(page.number, ([], []))[line.top < page.height / 2].append(line.text)
    return found


def _edges(page: PageLines) -> list[Line]:
    by_height = sorted(page.lines, key=lambda line: -line.top)
    return by_height[:_EDGE_LINES] + by_height[-_EDGE_LINES:]


def _shape(text: str) -> str:
    return _DIGITS.sub("#", text.casefold()).strip()


def _is_furniture(page: PageLines, line: Line, furniture: dict[str, float]) -> bool:
    """Tell a running line from the title that is the same in larger letters."""
    size = furniture.get(_shape(line.text))
    return size is not None and line.size <= (1 + 2 * _SAME_SIZE) * size and line in _edges(page)
