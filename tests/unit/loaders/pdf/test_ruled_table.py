"""Tables with rules between rows and only space between columns, as papers set them."""

from loaders.pdf.rules import Rule
from loaders.pdf.tables import read_ruled, ruled_groups
from loaders.pdf.words import Word

_PROSE = [Word("prose", 0, 30, top, top - 8, 0) for top in range(-1000, 0, 12)]  # what else is on the page


def _rule(y: float, left: float = 0, right: float = 300) -> Rule:
    return Rule(left, y, right, y)


def _row(y: float, *cells: str) -> list[Word]:
    """Put cells into columns of 100 points, a letter five points wide."""
    words: list[Word] = []
    for column, cell in enumerate(cells):
        left = 100.0 * column + 2
        for text in cell.split():
            words.append(Word(text, left, left + 5 * len(text), y + 4, y - 4, 0))
            left += 5 * len(text) + 3
    return words


def test_rules_of_one_width_above_each_other_are_a_group() -> None:
    rules = [_rule(50), _rule(100), _rule(80.0, 0.5, 299), _rule(90, 0, 150), _rule(70, 0, 20), Rule(0, 0, 0, 50)]
    assert list(ruled_groups(rules)) == [[_rule(100), _rule(80.0, 0.5, 299), _rule(50)]]


def test_a_box_between_two_rules_parts_them() -> None:
    box = [Rule(0, 160, 0, 200), Rule(300, 160, 300, 200)]
    rules = [*(_rule(y) for y in (260, 230, 200, 160, 130, 100)), *box]
    assert [[rule.y0 for rule in group] for group in ruled_groups(rules)] == [[260, 230, 200], [160, 130, 100]]


def test_a_header_and_rows_without_rules_between_them() -> None:
    words = [
        *_row(90, "Model", "Size", "Speed"),
        *_row(70, "MiniLM", "90 MB", "fast"),
        *_row(58, "bge", "400 MB", "slow"),
        *_row(46, "e5", "1 GB", "slow"),
    ]
    grid, lefts = read_ruled([_rule(100), _rule(80), _rule(40)], [*words, *_PROSE])
    assert grid == [
        ["Model", "Size", "Speed"],
        ["MiniLM", "90 MB", "fast"],
        ["bge", "400 MB", "slow"],
        ["e5", "1 GB", "slow"],
    ]
    assert len(lefts) == 3
    assert lefts[0] < 0 < lefts[1] < 102 < lefts[2] < 202


def test_a_heading_reaches_over_the_columns_that_have_none() -> None:
    words = [*_row(90, "Model", "Sales"), *_row(70, "x", "1", "2"), *_row(58, "y", "3", "4"), *_row(46, "z", "5", "6")]
    grid, _ = read_ruled([_rule(100), _rule(80), _rule(40)], [*words, *_PROSE])
    assert grid[0] == ["Model", "Sales", "Sales"]


def test_where_rules_part_the_rows_a_cell_may_have_several_lines() -> None:
    words = [
        *_row(90, "Term", "Meaning"),
        *_row(74, "kNN", "the nearest"),
        *_row(64, "", "neighbours"),
        *_row(50, "LM", "language model"),
        *_row(30, "RAG", "retrieval"),
    ]
    grid, _ = read_ruled([_rule(y) for y in (100, 80, 60, 40, 20)], [*words, *_PROSE])
    assert grid == [
        ["Term", "Meaning"],
        ["kNN", "the nearest neighbours"],
        ["LM", "language model"],
        ["RAG", "retrieval"],
    ]


def test_columns_of_prose_between_rules_are_no_table() -> None:
    line = "words that run on to the end"
    words = [word for y in range(20, 100, 10) for word in _row(y, line, "", "other words that go on")]
    assert read_ruled([_rule(100), _rule(90), _rule(10)], [*words, *_PROSE]) == ([], [])


def test_rules_at_the_edges_of_a_page_are_no_table() -> None:
    words = [word for y in range(20, 700, 10) for word in _row(y, "short", "cells", "all")]
    assert read_ruled([_rule(720), _rule(700), _rule(10)], words) == ([], [])


def test_rules_without_words() -> None:
    assert read_ruled([_rule(100), _rule(80), _rule(40)], []) == ([], [])
