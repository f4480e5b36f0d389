"""Source code."""

from pathlib import Path

import pytest

from loaders.plain.code import CodeLoader
from tests.unit.loaders.reading import blocks, read


@pytest.mark.parametrize("name", ["a.py", "a.yaml", "a.toml", "a.sql"])
def test_code_stays_as_it_is(tmp_path: Path, name: str) -> None:
    code = "def f():\n    # <html>\n\n    return 1"
    assert blocks(read(CodeLoader(), tmp_path, name, code)) == [("code", code)]


def test_blanks_at_line_ends_go_and_an_indent_that_all_lines_share(tmp_path: Path) -> None:
    assert blocks(read(CodeLoader(), tmp_path, "a.py", "  if x:   \n      y()\t\n")) == [("code", "if x:\n    y()")]
