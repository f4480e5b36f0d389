"""What the documents name is there: files, links, modules to run."""

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from tests.paths import ROOT

SKIPPED = (".venv", ".git", "knowledge_base", "node_modules")
PAGES = sorted(path for path in ROOT.rglob("*.md") if not set(path.relative_to(ROOT).parts) & set(SKIPPED))
_FOLDERS = "kb_server|loaders|vectorstores|webui|tests|benchmarks|configs|docs|deploy|knowledge_base"
_PATH = re.compile(rf"(?<![\w/~.-])((?:{_FOLDERS})/[\w./*-]*\w)(?![\w<*])")
_LINK = re.compile(r"\]\((?!https?:)([^)#:\s]+)(?:#[^)]*)?\)")
_MODULE = re.compile(rf"python -m ((?:{_FOLDERS})[\w.]*\w)")
_TURNS = re.compile(r"(?i)\b(anew|be it|whoever|by and by|whosoever|thereof|mend|mended|mends)\b")


def text_of(page: Path) -> str:
    """Return a page's text; of the changelog what is not released yet, since old entries name what was there then."""
    text = page.read_text("utf-8")
    if page.name != "CHANGELOG.md":
        return text
    first, *rest = re.split(r"(?m)^(?=## )", text)
    return first + "".join(takewhile(lambda part: rest and part == rest[0], rest))


def missing(page: Path) -> Iterator[str]:
    text = text_of(page)
    for path in _PATH.findall(text):
        if not any(ROOT.glob(path)):
            yield path
    for link in _LINK.findall(text):
        if not (page.parent / link).exists():
            yield f"link {link}"
    for module in _MODULE.findall(text):
        place = ROOT / module.replace(".", "/")
        if not place.is_dir() and not place.with_suffix(".py").is_file():
            yield f"module {module}"


def test_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "guide.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    assert list(missing(page)) == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name != "reference"], ids=lambda page: page.name
)
def test_a_page_is_in_plain_english(page: Path) -> None:
    """No turns that a colleague would stumble over; reference pages take theirs from the code."""
    prose = "" if page.name in ("CHANGELOG.md", "results.md") else re.sub(r"(?m)`[^`]*`|^    .*$", "", text_of(page))
    assert _TURNS.findall(prose) == []
