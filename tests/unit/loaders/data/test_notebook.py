"""Jupyter notebooks."""

import json
from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.data.notebook import NotebookLoader
from tests.unit.loaders.reading import blocks, read


def test_notebooks(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "Words."]},
        {
            "cell_type": "code",
            "source": "x = 1\nprint(x)",
            "outputs": [
                {"output_type": "stream", "text": ["1\n"]},
                {"data": {"text/plain": "two", "image/png": "iVBORw0KGgo"}},
            ],
        },
    ]
    assert blocks(read(NotebookLoader(), tmp_path, "a.ipynb", json.dumps({"cells": cells, "nbformat": 4}))) == [
        ("heading", "Title"),
        ("paragraph", "Words."),
        ("code", "x = 1\nprint(x)"),
        ("code", "1"),
        ("code", "two"),
    ]


def test_a_notebook_of_version_3(tmp_path: Path) -> None:
    """There, cells lie in worksheets, code in `input`, and headings are cells with a level."""
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Data"]},
        {"cell_type": "code", "input": "x = 1", "outputs": [{"output_type": "pyerr", "evalue": "no such x"}]},
        {"cell_type": "raw", "source": "as it\nis"},
    ]
    content = json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3})
    document = read(NotebookLoader(), tmp_path, "a.ipynb", content)
    assert blocks(document) == [
        ("heading", "Data"),
        ("code", "x = 1"),
        ("code", "no such x"),
        ("paragraph", "as it\nis"),
    ]
    assert document.blocks[-1].heading_path == ("Data",)


def test_of_a_result_without_end_the_beginning_is_kept(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": "f()", "outputs": [{"output_type": "stream", "text": "1" * 50_000}]}
    document = read(NotebookLoader(), tmp_path, "a.ipynb", json.dumps({"cells": [cell]}))
    assert [len(text) for _, text in blocks(document)] == [3, 20_000]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{}", "without cells"), ("[1]", "without cells"), ("{", "no valid JSON"), ("[" * 100_000, "nested too deeply")],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        read(NotebookLoader(), tmp_path, "a.ipynb", content)
