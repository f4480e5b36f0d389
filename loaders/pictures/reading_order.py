"""In which order the lines of a page are read, known only by where they stand."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple, TypeVar

Line = TypeVar("Line")

_LEAST_LINES = 3  # of a column
_LEAST_WIDTH = 8.0  # of a column, in heights of a line
_LEAST_GUTTER = 0.6  # between columns, in heights of a line
_FILLED = 0.6  # how much of its column a line of prose fills, in the median
_SAME_ROW = 0.5  # how much of the lower of two boxes must overlap
_TALL = 2.0  # a line this many times higher than wide is written downwards


class Box(NamedTuple):
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Vertical extent."""
        return self.bottom - self.top


def in_reading_order(lines: Sequence[Line], box: Callable[[Line], Box]) -> list[Line]:
    """Sort lines: columns of prose from left to right, each from top to bottom; all else row by row.

    Where most lines are written downwards, as in Japanese books, they are read from right to left.
    The page is cut into the largest stretch that stands in columns, what is above it, and what is below (the X-Y cut
    of Nagy and Seth, with the columns looked for first). Cells of a table are no columns: they seldom fill them.
    """
    boxes = [box(line) for line in lines]
    if 2 * sum(each.height > _TALL * (each.right - each.left) for each in boxes) > len(boxes):
        return sorted(lines, key=lambda line: (-box(line).right, box(line).top))
    return [lines[index] for index in _order(list(range(len(lines))), boxes)]


def _order(indexes: list[int], boxes: Sequence[Box]) -> list[int]:
    rows = _rows(indexes, boxes)
    if len(indexes) < 2 * _LEAST_LINES:
        return _flat(rows)
    start, end, gutter = _largest_stretch(rows, boxes)
    if gutter is None:
        return _flat(rows)
    inside = _flat(rows[start:end])
    left = [index for index in inside if boxes[index].right <= gutter]
    right = [index for index in inside if boxes[index].right > gutter]
    return _flat(_order(part, boxes) for part in (_flat(rows[:start]), left, right, _flat(rows[end:])))


def _rows(indexes: Iterable[int], boxes: Sequence[Box]) -> list[list[int]]:
    """Gather boxes that stand beside each other, each row from left to right."""
    rows: list[list[int]] = []
    for index in sorted(indexes, key=lambda each: boxes[each].top + boxes[each].bottom):
        if rows and _beside(boxes[rows[-1][0]], boxes[index]):
            rows[-1].append(index)
        else:
            rows.append([index])
    return [sorted(row, key=lambda each: boxes[each].left) for row in rows]


def _beside(first: Box, second: Box) -> bool:
    shared = min(first.bottom, second.bottom) - max(first.top, second.top)
    return shared >= _SAME_ROW * min(first.height, second.height)


def _flat(rows: Iterable[list[int]]) -> list[int]:
    return [index for row in rows for index in row]


def _largest_stretch(rows: list[list[int]], boxes: Sequence[Box]) -> tuple[int, int, float | None]:
    """Return the run of rows [start, end) with most boxes that a gutter divides into columns, and the gutter's x."""
    height = median(boxes[index].height for index in _flat(rows))
    best: tuple[int, int, float | None] = (0, 0, None)
    most = 0
    for start in range(len(rows)):
        if sum(map(len, rows[start:])) <= most:
            break
        for end, inside, covered in _stretches(rows, start, boxes):
            gutter = _gutter(covered, inside, height) if len(inside) > most else None
            if gutter is not None:
                best, most = (start, end, gutter), len(inside)
    return best


def _stretches(
    rows: list[list[int]], start: int, boxes: Sequence[Box]
) -> Iterator[tuple[int, list[Box], list[tuple[float, float]]]]:
    """Yield each run of rows from `start`: its end, its boxes, and what of the page's width they cover.

    A single box as wide as the page ends it.
    """
    inside: list[Box] = []
    covered: list[tuple[float, float]] = []
    for end in range(start, len(rows)):
        row = [boxes[index] for index in rows[end]]
        inside += row
        covered = _merged([*covered, *((box.left, box.right) for box in row)])
        if len(covered) < 2 and len(row) < 2 and end > start:
            return
        yield end + 1, inside, covered


def _merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for left, right in sorted(intervals):
        if merged and left <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(right, merged[-1][1]))
        else:
            merged.append((left, right))
    return merged


def _gutter(covered: Sequence[tuple[float, float]], boxes: Sequence[Box], height: float) -> float | None:
    """Return the x of the first gap with a column of prose on both sides."""
    for before, after in pairwise(covered):
        if after[0] - before[1] < _LEAST_GUTTER * height:
            continue
        if all(_is_prose(column, boxes, height) for column in (before, after)):
            return (before[1] + after[0]) / 2
    return None


def _is_prose(column: tuple[float, float], boxes: Sequence[Box], height: float) -> bool:
    left, right = column
    widths = [box.right - box.left for box in boxes if left <= box.left and box.right <= right]
    wide_enough = right - left >= _LEAST_WIDTH * height
    return len(widths) >= _LEAST_LINES and wide_enough and median(widths) >= _FILLED * (right - left)
