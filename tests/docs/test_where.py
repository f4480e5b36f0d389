"""docs/where.md: the files are there, and each defines the name that stands beside it."""

import re

import pytest

from tests.paths import ROOT

ROWS = re.findall(
    r"^\| (.+\?) \| `([^`]+)` \| `(\w+)` \|$", (ROOT / "docs" / "where.md").read_text("utf-8"), re.MULTILINE
)


def test_there_are_thirty_questions_each_asked_once() -> None:
    assert len(ROWS) == 30
    assert len({question for question, _, _ in ROWS}) == 30
    assert len({file for _, file, _ in ROWS}) == 30


@pytest.mark.parametrize(("question", "file", "name"), ROWS)
def test_the_file_defines_the_name(question: str, file: str, name: str) -> None:
    source = (ROOT / file).read_text("utf-8")
    assert re.search(rf"^(?:class |def |async def ){name}\b|^{name}\b[^=\n]*= ", source, re.MULTILINE), question
