"""The straight lines of a page, whatever they were drawn with."""

from contextlib import closing
from pathlib import Path

import pypdfium2
import pytest

from loaders.pdf.rules import Rule, rules_of
from tests.unit.loaders.pdf.writer import write_pdf


def _rules(folder: Path, content: str) -> list[tuple[float, ...]]:
    write_pdf(folder / "a.pdf", [[(10, 72, 700, "x")]], more=content)
    with closing(pypdfium2.PdfDocument(folder / "a.pdf")) as document:
        return [(rule.x0, rule.y0, rule.x1, rule.y1) for rule in rules_of(document[0])]


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        ("10 20 m 110 20 l S", [(10, 20, 110, 20)]),
        ("110 20 m 10 20 l S", [(10, 20, 110, 20)]),
        ("50 100 m 50 30 l S", [(50, 30, 50, 100)]),
        ("10 20 100 1 re f", [(10, 20.5, 110, 20.5)]),  # a bar filled thinly is a line
        ("10 20 2 80 re f", [(11, 20, 11, 100)]),
        ("10 20 m 60 20 l 60 70 l S", [(10, 20, 60, 20), (60, 20, 60, 70)]),
        ("10 20 m 14 20 l S", []),  # as short as a letter
        ("10 20 m 110 90 l S", []),  # oblique
        ("10 20 m 110 20 l n", []),  # drawn with neither line nor filling
        ("10 20 m 20 90 100 90 110 20 c S", [(10, 20, 110, 20)]),  # of a curve, only the side that closes it
        ("2 0 0 3 5 7 cm 10 20 m 110 20 l S", [(25, 67, 225, 67)]),  # moved and made larger
    ],
)
def test_what_lies_flat_or_stands_upright(
    tmp_path: Path, content: str, rules: list[tuple[float, float, float, float]]
) -> None:
    assert _rules(tmp_path, content) == [pytest.approx(each) for each in rules]


def test_a_rectangle_has_four_sides(tmp_path: Path) -> None:
    found = _rules(tmp_path, "10 20 100 50 re S")
    assert sorted(set(found)) == [(10, 20, 10, 70), (10, 20, 110, 20), (10, 70, 110, 70), (110, 20, 110, 70)]


def test_a_page_of_thousands_of_paths_is_a_drawing(tmp_path: Path) -> None:
    line = "10 20 m 110 20 l S\n"
    assert len(_rules(tmp_path, line * 4000)) == 4000
    assert _rules(tmp_path, line * 4001) == []


def test_which_way_a_rule_runs() -> None:
    assert Rule(0, 5, 9, 5).is_horizontal
    assert not Rule(5, 0, 5, 9).is_horizontal
