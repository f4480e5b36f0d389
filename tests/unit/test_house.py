"""The shape of the program, measured from its text: what each test prints is what breaks the bound."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGES = ("kb_server", "loaders", "vectorstores", "webui")
MOST_MODULES = 400
MOST_WITH_ONE_IMPORTER = 0.20
MOST_LINES_OF_A_FILE = 350
MOST_LINES_OF_A_FUNCTION = 40
MOST_COMPLEXITY = 8


Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> dict[str, Path]:
    """Return the program's modules by their dotted names; a package's own file is none."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in paths if p.stem != "__init__"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions() -> Iterator[tuple[str, Function]]:
    """Yield every function with where it stands; migrations are history and stay as they are."""
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(parsed(path)) if "migrations" not in path.parts else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def complexity(function: ast.AST) -> int:
    """Return McCabe's number, in which a comprehension's `for` and `if`, and each `and` and `or`, count as well."""
    return 1 + sum(map(_branches, ast.walk(function)))


def _branches(node: ast.AST) -> int:
    match node:
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.comprehension(ifs=conditions):
            return 1 + len(conditions)
        case ast.For() | ast.AsyncFor() | ast.While():
            return 1 + bool(node.orelse)
        case ast.If() | ast.IfExp() | ast.ExceptHandler() | ast.match_case() | ast.Lambda():
            return 1
    return 0


def importers() -> dict[str, set[str]]:
    """Return for each module which files import it, under `TYPE_CHECKING` and inside functions too."""
    found = defaultdict(set)
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(parsed(path)):
            for name in _imported(node):
                found[name].add(str(path))
    return found


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("pass", 1),
        ("if a and b or c: pass\nelif d: pass\nelse: pass", 5),
        ("[x for row in a if row for x in row]", 4),
        ("for x in a:\n  while x: pass\nelse: pass", 4),
        ("try: pass\nexcept A: pass\nexcept B: pass\nfinally: pass", 3),
        ("match a:\n  case 1: x = 1 if b else 2\n  case _: pass", 4),
    ],
)
def test_complexity_is_counted_by_hand(text: str, number: int) -> None:
    assert complexity(ast.parse(text)) == number


def test_the_top_level_is_app_and_folders() -> None:
    assert sorted(path.name for path in (ROOT / "kb_server").glob("*.py")) == ["__init__.py", "app.py"]


def test_there_are_few_enough_modules() -> None:
    assert len(modules()) <= MOST_MODULES


def test_most_modules_have_more_than_one_reader() -> None:
    known = importers()
    alone = sorted(name for name in modules() if len(known[name]) == 1)
    assert len(alone) <= MOST_WITH_ONE_IMPORTER * len(modules()), alone


def test_no_file_is_long() -> None:
    lengths = {name: path.read_text("utf-8").count("\n") for name, path in modules().items()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_long() -> None:
    lengths = {place: (node.end_lineno or 0) - node.lineno + 1 for place, node in functions()}
    assert {place: length for place, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_no_function_has_many_branches() -> None:
    assert branchy("") == {}


def branchy(folder: str) -> dict[str, int]:
    """Return the functions of a folder that have more branches than they may."""
    numbers = {place: complexity(node) for place, node in functions() if place.startswith(folder)}
    return {place: number for place, number in numbers.items() if number > MOST_COMPLEXITY}
