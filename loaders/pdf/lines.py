"""The lines of a PDF page, with where they stand and how large they are."""

import math
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium

from loaders.pdf.rules import rules_of
from loaders.pdf.tables import Box, PdfTable, find_tables, may_hold_tables
from loaders.pdf.words import Word, ligature, lines_of, words_of
from loaders.pictures.reading_order import Box as Place
from loaders.pictures.reading_order import in_reading_order

_FEWEST_ROWS = 5

_MOST_ROWS = 0.6

_WIDEST_BLANK = 1.2  # between words of one line, in heights of a line


def may_be_interleaved(text_page: pypdfium2.PdfTextPage) -> bool:
    """Tell whether most lines go on, behind a wide gap, on the right side of the page.

    Asks for whole stretches of text only, so it takes a fraction of a millisecond.
    """
    stretches = [text_page.get_rect(index) for index in range(text_page.count_rects())]
    rows = jumps = 0
    has_jumped = True
    for before, after in pairwise(stretches):
        if abs(before[1] - after[1]) > 0.5 * (before[3] - before[1]):
            rows, has_jumped = rows + 1, False
        elif not has_jumped and after[0] - before[2] > _WIDEST_BLANK * (before[3] - before[1]):
            jumps, has_jumped = jumps + 1, True
    return jumps >= max(_FEWEST_ROWS, _MOST_ROWS * rows)


def column_lines(words: Sequence[Word]) -> list[list[Word]] | None:
    """Return the lines column by column, or None if the words do not stand in columns of prose."""
    rows = [part for line in lines_of(words) for part in _parts(line)]
    ordered = in_reading_order(rows, box=_box)
    by_rows = sorted(rows, key=lambda line: (-round(line[0].middle), line[0].left))
    returns = sum(after[0].middle > before[0].middle + 1 for before, after in pairwise(ordered))
    return None if returns == 0 or list(map(id, ordered)) == list(map(id, by_rows)) else ordered


def _parts(line: list[Word]) -> list[list[Word]]:
    """Cut a line where a blank is too wide to stand between words."""
    parts = [[line[0]]]
    for before, word in pairwise(line):
        if word.left - before.right > _WIDEST_BLANK * (word.top - word.bottom):
            parts.append([word])
        else:
            parts[-1].append(word)
    return parts


def _box(line: list[Word]) -> Place:
    """Return where a line stands, with y growing downwards."""
    return Place(line[0].left, -max(w.top for w in line), line[-1].right, -min(w.bottom for w in line))


LINE_END_HYPHEN = "\ufffe"

"""What PDFium puts where a word was divided at the end of a line, in place of hyphen and line break."""

_WITHOUT_TEXT = re.compile(f"[{LINE_END_HYPHEN}\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; coordinates are points, y grows upwards. `size` is the font's."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class PageLines:
    """A page's lines in reading order, its tables, whose words are among the lines too, and the words in its pictures.

    `number` counts from 1.
    """

    number: int
    height: float
    lines: list[Line]
    tables: list[PdfTable] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


def page_lines(page: pypdfium2.PdfPage, number: int) -> PageLines:
    """Read a page; raises PdfiumError where it is damaged. What stands outside of the page's box is not on the page."""
    box = page.get_bbox()
    with closing(page.get_textpage()) as text_page:
        if text_page.count_chars() == 0:
            return PageLines(number, page.get_height(), [])
        rules = rules_of(page)
        has_tables, has_columns = may_hold_tables(rules), may_be_interleaved(text_page)
        words = _words(text_page, box) if has_tables or has_columns else []
        columns = column_lines(words) if has_columns else None
        lines = _lines(text_page) if columns is None else [_column_line(text_page, line) for line in columns]
        tables = find_tables(rules, words) if has_tables else []
        return PageLines(number, page.get_height(), _within(lines, box), tables)


def _column_line(text_page: pypdfium2.PdfTextPage, words: list[Word]) -> Line:
    index = words[0].index
    top, bottom = max(word.top for word in words), min(word.bottom for word in words)
    size = _font_size(text_page, index) or top - bottom
    text = " ".join(word.text for word in words)
    return Line(text, words[0].left, words[-1].right, top, bottom, size, _is_bold(text_page, index))


def _lines(text_page: pypdfium2.PdfTextPage) -> list[Line]:
    lines: list[Line] = []
    offset = 0
    for part in text_page.get_text_range().split("\r\n"):
        if part.strip():
            _append(lines, _line(text_page, part, offset))
        offset += len(part) + 2
    return lines


def _words(text_page: pypdfium2.PdfTextPage, box: Box) -> list[Word]:
    left, bottom, right, top = box
    return [word for word in words_of(text_page) if left <= word.left <= right and bottom <= word.middle <= top]


def _within(lines: list[Line], box: Box) -> list[Line]:
    left, bottom, right, top = box
    across = [line for line in lines if line.right > left and line.left < right]
    return [line for line in across if bottom <= (line.top + line.bottom) / 2 <= top]


def _line(text_page: pypdfium2.PdfTextPage, text: str, offset: int) -> Line:
    """Measure the first, the middle and the last character; to ask for each would be slow."""
    first = _char_index(text_page, offset + len(text) - len(text.lstrip()))
    last = _char_index(text_page, offset + len(text.rstrip()) - 1)
    left, bottom, _, top = text_page.get_charbox(first, loose=True)
    _, low, right, _ = text_page.get_charbox(last, loose=True)
    size = _font_size(text_page, first) or top - bottom
    bold = _is_bold(text_page, (first + last) // 2)
    if _WITHOUT_TEXT.search(text):
        text = _with_ligatures(text_page, text, offset, size)
    return Line(text.strip(), left, right, top, min(low, bottom), size, bold)


def _with_ligatures(text_page: pypdfium2.PdfTextPage, text: str, offset: int, size: float) -> str:
    """PDFium writes the same for glyphs without text as for words divided at a line's end."""
    return _WITHOUT_TEXT.sub(
        lambda m: ligature(text_page, _char_index(text_page, offset + m.start()), size) or m[0], text
    )


def _is_bold(text_page: pypdfium2.PdfTextPage, index: int) -> bool:
    return int(pdfium.FPDFText_GetFontWeight(text_page, index)) >= 600


def _font_size(text_page: pypdfium2.PdfTextPage, index: int) -> float:
    """Return the size in points on the page: PDFium gives the nominal one, which the text matrix then scales."""
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFText_GetMatrix(text_page, index, matrix):
        return 0.0
    return float(pdfium.FPDFText_GetFontSize(text_page, index)) * math.hypot(matrix.c, matrix.d)


def _char_index(text_page: pypdfium2.PdfTextPage, text_index: int) -> int:
    """PDFium counts characters with and without those that it left out of the text."""
    return max(int(pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, text_index)), 0)


def _append(lines: list[Line], line: Line) -> None:
    """Add a line, or the continuation of the last one where only the font changed."""
    before = lines[-1] if lines else None
    if before is None or not _continues(before, line):
        lines.append(line)
        return
    gap = "" if line.left - before.right < 0.15 * line.size else " "
    lines[-1] = replace(
        before,
        text=before.text + gap + line.text,
        right=line.right,
        bottom=min(before.bottom, line.bottom),
        size=max(before.size, line.size),
        bold=before.bold and line.bold,
    )


def _continues(before: Line, line: Line) -> bool:
    overlap = min(before.bottom + before.size, line.top) - max(before.bottom, line.top - line.size)
    beside = -2 <= line.left - before.right < 1.5 * max(line.size, before.size)
    return beside and overlap > 0.5 * min(line.size, before.size)
