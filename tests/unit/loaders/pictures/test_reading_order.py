"""The order in which lines of a page are read."""

import random

from loaders.pictures.reading_order import Box, in_reading_order


def _ordered(page: dict[str, Box]) -> list[str]:
    names = list(page)
    random.Random(1).shuffle(names)
    return in_reading_order(names, box=lambda name: page[name])


def _lines(name: str, left: float, right: float, top: float, count: int) -> dict[str, Box]:
    return {f"{name}{index}": Box(left, top + 12 * index, right, top + 12 * index + 10) for index in range(count)}


def test_columns_between_lines_that_span_them() -> None:
    page = {
        "title": Box(50, 0, 450, 14),
        **_lines("left", 0, 240, 30, 8),
        **_lines("right", 260, 500, 33, 9),
        "footer": Box(100, 200, 400, 210),
    }
    assert _ordered(page) == list(page)


def test_three_columns() -> None:
    page = {**_lines("a", 0, 150, 0, 5), **_lines("b", 170, 320, 0, 5), **_lines("c", 340, 500, 0, 5)}
    assert _ordered(page) == list(page)


def test_rows_of_a_table_stay_rows() -> None:
    rows = {
        f"{row}{column}": Box(column * 150, row * 20 + column % 2, column * 150 + 30 + 80 * (row == 0), row * 20 + 10)
        for row in range(5)
        for column in range(4)
    }
    assert _ordered(rows) == list(rows)


def test_lines_written_downwards_are_read_from_the_right() -> None:
    page = {"first": Box(80, 0, 90, 200), "second": Box(60, 0, 70, 200), "third": Box(40, 0, 50, 90)}
    assert _ordered(page) == list(page)


def test_nothing() -> None:
    assert _ordered({}) == []
