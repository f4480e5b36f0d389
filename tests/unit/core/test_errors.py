"""The error tree: as it is drawn, and what every error has."""

import re

from kb_server.core import errors
from kb_server.core.errors import KbError

_LINE = re.compile(
    r"    (?P<depth>[│├└─ ]*)(?P<name>[A-Z]\w+) +(?P<code>[a-z_]+)(?: +(?P<exit>\d+))?(?: {3,}(?P<note>.+))?"
)


def _drawn() -> list[tuple[int, str, str, str | None]]:
    """Return (depth, name, code, exit status) of each line of the drawing."""
    found = [match for line in (errors.__doc__ or "").splitlines() if (match := _LINE.fullmatch(line))]
    return [(len(match["depth"]) // 4, match["name"], match["code"], match["exit"]) for match in found]


def _built(kind: type[KbError] = KbError, depth: int = 0, inherited: int = 0) -> list[tuple[int, str, str, str | None]]:
    own = str(kind.exit_status) if kind.exit_status != inherited else None
    rows = [(depth, kind.__name__, kind.code, own)]
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            rows += _built(child, depth + 1, kind.exit_status)
    return rows


def _paths(rows: list[tuple[int, str, str, str | None]]) -> set[tuple[str, ...]]:
    """Return each class with all above it, so that the order of brothers does not matter."""
    above: list[str] = []
    paths = set[tuple[str, ...]]()
    for depth, name, code, status in rows:
        above = [*above[:depth], name]
        paths.add((*above, code, status or ""))
    return paths


def test_the_drawing_is_the_tree_that_the_classes_make() -> None:
    assert _paths(_drawn()) == _paths(_built())


def test_the_branches_are_drawn_to_their_ends() -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if _LINE.fullmatch(line)]
    depths = [depth for depth, *_ in _drawn()]
    for number, line in enumerate(lines[1:], start=1):
        deeper = next((depth for depth in depths[number + 1 :] if depth <= depths[number]), 0)
        assert ("└" in line) == (deeper < depths[number]), line


def test_codes_are_different() -> None:
    """A kind without a code of its own is told to programs as the one above it."""
    own = [getattr(errors, name) for _, name, _, _ in _built()]
    codes = [error.code for error in own if "code" in vars(error)]
    assert sorted(codes) == sorted(set(codes))


def test_an_error_reads_as_a_sentence_and_what_to_do() -> None:
    assert str(errors.NotFound("There is no base 'x'.", "See: kb list")) == "There is no base 'x'. See: kb list"
    assert str(errors.NotFound("There is no base 'x'.")) == "There is no base 'x'."
