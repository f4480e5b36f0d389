"""Columns of prose that a PDF holds row by row, put back one after the other."""

from collections.abc import Sequence
from itertools import pairwise

import pypdfium2

from loaders.pdf.words import Word, lines_of
from loaders.pictures.reading_order import Box, in_reading_order

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


def _box(line: list[Word]) -> Box:
    """Return where a line stands, with y growing downwards."""
    return Box(line[0].left, -max(w.top for w in line), line[-1].right, -min(w.bottom for w in line))
