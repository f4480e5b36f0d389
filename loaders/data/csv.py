"""Tables as text: CSV, TSV and their relatives with other delimiters."""

import csv
import io
import re
from collections import Counter
from itertools import islice, takewhile
from pathlib import Path

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.plain.text import read_text
from loaders.rows import heading_rows, is_title

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_TEXT_FORMULA = re.compile(r'="([^"]*)"')  # how Excel is told that figures are a text: a leading zero stays


class CsvLoader:
    """Reads the whole file as one table, a row a line, with the column names in each; a title above is a heading."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        text = read_text(path, name)
        declared, text = _declared_delimiter(text)
        delimiter = declared or detect_delimiter(text)
        builder = DocumentBuilder(name)
        rows = _rows(text, delimiter)
        titles = list(takewhile(is_title, rows)) if max(map(len, rows), default=0) > 1 else []
        for title in titles if len(titles) < len(rows) else []:
            builder.heading(1, "".join(title))
        below = rows[len(titles) :] or rows
        builder.table(below, headers=heading_rows(below, records=True))
        return builder.build()


def detect_delimiter(text: str) -> str:
    """Return the delimiter that cuts the first rows into the same number of cells, more than one; else a comma."""
    return max(_DELIMITERS, key=lambda delimiter: _consistency(text, delimiter))


def _declared_delimiter(text: str) -> tuple[str | None, str]:
    """Take off the line `sep=;` with which Excel begins some files."""
    if text[:4].lower() == "sep=" and text[5:6] in ("", "\n"):
        return text[4:5] or None, text[6:]
    return None, text


def _consistency(text: str, delimiter: str) -> tuple[float, int]:
    """Return the share of rows that have the most usual width, and that width; 0 if it is one cell."""
    try:
        rows = islice(csv.reader(io.StringIO(text), delimiter=delimiter), _SAMPLE_ROWS)
        widths = Counter(len(row) for row in rows if row)
    except csv.Error:
        return (0.0, 0)
    if not widths:
        return (0.0, 0)
    width, count = widths.most_common(1)[0]
    return (count / widths.total(), width) if width > 1 else (0.0, 0)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """Read all rows; a quote that is never closed (it would swallow the rest) makes quotes ordinary characters."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error:  # a cell of more than 128 KB
        rows = [line.split(delimiter) for line in text.split("\n") if line]
    return [list(map(_plain, row)) for row in rows] if '="' in text else rows


def _plain(cell: str) -> str:
    found = _TEXT_FORMULA.fullmatch(cell.strip())
    return found[1] if found else cell
