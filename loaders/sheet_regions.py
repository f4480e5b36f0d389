"""Which cells of a sheet belong together."""

from collections.abc import Mapping

from loaders.table import is_number

Place = tuple[int, int]
"""(row, column)"""

_MOST_HEADING_ROWS = 4
_NOTHING = ("—", "–", "-", "n/a", "N/A")


def regions(cells: Mapping[Place, str]) -> list[list[Place]]:
    """Cut a sheet into tables and notes, from top to bottom: at blank rows, and at blank columns beside a new table.

    A blank column alone is often there to please the eye: what stands right of it is a table of its own only if it has
    at least two columns and names its rows. Rows of words above a blank row and rows of numbers are its headings.
    """
    return _with_headings(_cut_further(sorted(cells), cells), cells)


def _cut_further(places: list[Place], cells: Mapping[Place, str]) -> list[list[Place]]:
    for parts in (_cut(places, 0), _side_by_side(_cut(places, 1), cells)):
        if len(parts) > 1:
            return [region for part in parts for region in _cut_further(part, cells)]
    return [places] if places else []


def _cut(places: list[Place], axis: int) -> list[list[Place]]:
    parts: list[list[Place]] = []
    last = -2
    for place in sorted(places, key=lambda each: (each[axis], each)):
        if place[axis] > last + 1:
            parts.append([])
        parts[-1].append(place)
        last = place[axis]
    return parts


def _side_by_side(parts: list[list[Place]], cells: Mapping[Place, str]) -> list[list[Place]]:
    joined = parts[:1]
    for part in parts[1:]:
        if _stands_alone(part, cells):
            joined.append(part)
        else:
            joined[-1] = joined[-1] + part
    return joined


def _stands_alone(part: list[Place], cells: Mapping[Place, str]) -> bool:
    first = min(column for _, column in part)
    others = {column for _, column in part} - {first}
    below = [cells[place] for place in sorted(part) if place[1] == first][1:]
    named = bool(below) and 2 * sum(not is_number(text) and text not in _NOTHING for text in below) > len(below)
    return bool(others) and named


def _with_headings(found: list[list[Place]], cells: Mapping[Place, str]) -> list[list[Place]]:
    """Join a few rows of words with the rows of numbers below that they head."""
    joined: list[list[Place]] = []
    for region in found:
        if joined and _heads(joined[-1], region, cells):
            joined[-1] = joined[-1] + region
        else:
            joined.append(region)
    return joined


def _heads(above: list[Place], below: list[Place], cells: Mapping[Place, str]) -> bool:
    rows = {row for row, _ in above}
    shared = {column for _, column in above} & {column for _, column in below}
    is_near = 0 < min(row for row, _ in below) - max(rows) <= 2
    is_words = len(rows) <= _MOST_HEADING_ROWS and not any(is_number(cells[place]) for place in above)
    first = min(row for row, _ in below)
    has_figures = any(is_number(cells[place]) for place in below if place[0] == first)
    return is_near and is_words and has_figures and len(shared) > 1
