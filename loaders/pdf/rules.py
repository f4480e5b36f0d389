"""The straight lines drawn on a PDF page: what frames tables and parts their rows."""

from collections.abc import Iterator
from ctypes import c_float, c_int
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium

_THICKEST = 3.0  # points; a filled bar thinner than this is a line
_SHORTEST = 6.0
_MOST_PATHS = 4000  # a page with more is a drawing or a map
_MOST_SEGMENTS = 400
_DEEPEST = 4

Matrix = tuple[float, float, float, float, float, float]
Point = tuple[float, float]
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal (`y` constant) or vertical (`x` constant) line in points; x0 <= x1, y0 <= y1, y grows upwards."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def is_horizontal(self) -> bool:
        """Tell whether it runs from left to right."""
        return self.y0 == self.y1


def rules_of(page: pypdfium2.PdfPage) -> list[Rule]:
    """Return the visible rules of a page; none where it has so many paths that it is a drawing."""
    rules: list[Rule] = []
    paths = _paths(page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, _IDENTITY, 0)
    for number, (path, matrix) in enumerate(paths, start=1):
        if number > _MOST_PATHS:
            return []
        if _is_drawn(path):
            rules += _rules(path, _times(_matrix(path), matrix))
    return rules


def _paths(owner: object, count: object, get: object, matrix: Matrix, depth: int) -> Iterator[tuple[object, Matrix]]:
    """Yield path objects with the matrix of the forms around them."""
    for index in range(count(owner)):  # type: ignore[operator]  # PDFium's functions have no types
        item = get(owner, index)  # type: ignore[operator]
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            yield item, matrix
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            inner = _times(_matrix(item), matrix)
            yield from _paths(item, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, inner, depth + 1)


def _is_drawn(path: object) -> bool:
    fill, stroke = c_int(), c_int()
    return bool(pdfium.FPDFPath_GetDrawMode(path, fill, stroke)) and bool(fill.value or stroke.value)


def _rules(path: object, matrix: Matrix) -> Iterator[Rule]:
    """Yield the sides of a path that stand upright or lie flat; a thin bar is one rule."""
    count = pdfium.FPDFPath_CountSegments(path)
    if not 2 <= count <= _MOST_SEGMENTS:
        return
    points = [_point(path, index, matrix) for index in range(count)]
    xs, ys, _ = zip(*points, strict=True)
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    if high - low <= _THICKEST and right - left >= _SHORTEST:
        yield Rule(left, (low + high) / 2, right, (low + high) / 2)
    elif right - left <= _THICKEST and high - low >= _SHORTEST:
        yield Rule((left + right) / 2, low, (left + right) / 2, high)
    else:
        yield from _sides([*points, (*points[0][:2], pdfium.FPDF_SEGMENT_LINETO)])


def _sides(points: list[tuple[float, float, int]]) -> Iterator[Rule]:
    for (x0, y0, _), (x1, y1, kind) in pairwise(points):
        if kind != pdfium.FPDF_SEGMENT_LINETO:
            continue
        if abs(y0 - y1) < 0.5 and abs(x0 - x1) >= _SHORTEST:
            yield Rule(min(x0, x1), y0, max(x0, x1), y0)
        elif abs(x0 - x1) < 0.5 and abs(y0 - y1) >= _SHORTEST:
            yield Rule(x0, min(y0, y1), x0, max(y0, y1))


def _point(path: object, index: int, matrix: Matrix) -> tuple[float, float, int]:
    segment = pdfium.FPDFPath_GetPathSegment(path, index)
    x, y = c_float(), c_float()
    pdfium.FPDFPathSegment_GetPoint(segment, x, y)
    a, b, c, d, e, f = matrix
    place = (a * x.value + c * y.value + e, b * x.value + d * y.value + f)
    return (*place, int(pdfium.FPDFPathSegment_GetType(segment)))


def _matrix(item: object) -> Matrix:
    found = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, found):
        return _IDENTITY
    return (found.a, found.b, found.c, found.d, found.e, found.f)


def _times(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix that applies `first`, then `second`."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)
