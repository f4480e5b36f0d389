"""Splitters by kind: definitions, rows, records."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Document, SplitBy, Splitting
from kb_server.text.tokens import count_tokens
from loaders.builder import DocumentBuilder
from loaders.split.by_settings import make_splitter
from loaders.split.splitter import code_units

PYTHON = '''import os
import sys


@cached
# what it is for
def first(a):
    if a:
        return os.getcwd()
    else:
        return sys.argv


class Second:
    """A class that is longer than a piece may be, so that its methods are pieces."""

    def method(self):
        return first(1) + first(2) + first(3) + first(4)

    def other(self):
        return first(5) + first(6) + first(7) + first(8)
'''
GO = "package main\n\n// Greet says hello.\nfunc Greet() {\n\tprint(1)\n}\n\nfunc Part() {\n\tprint(2)\n}\n"


def texts(document: Document, splitting: Splitting) -> list[str]:
    return [document.text[part.start : part.end] for part in make_splitter(splitting).split(document)]


def code(text: str) -> Document:
    builder = DocumentBuilder("a.py")
    builder.code(text)
    return builder.build()


def test_a_definition_keeps_its_decorators_and_stays_whole() -> None:
    units = [PYTHON[start:end] for start, end in code_units(PYTHON, 45)]
    assert any(unit.startswith("@cached\n# what") and unit.endswith("return sys.argv") for unit in units)
    assert any(unit.startswith("def method") and unit.endswith("first(4)") for unit in units)
    assert any(unit.startswith("def other") and unit.endswith("first(8)") for unit in units)


def test_braces_and_comments_of_other_languages() -> None:
    units = [GO[start:end] for start, end in code_units(GO, 25)]
    assert units == [
        "package main",
        "// Greet says hello.\nfunc Greet() {\n\tprint(1)\n}",
        "func Part() {\n\tprint(2)\n}",
    ]


def test_a_chunk_never_begins_inside_a_function_that_fits() -> None:
    chunks = texts(code(PYTHON), Splitting(size=45, overlap=0))
    assert all(count_tokens(chunk) <= 45 for chunk in chunks)
    assert [chunk for chunk in chunks if "def first" in chunk and "return sys.argv" in chunk]


@given(st.text(alphabet="ab \t\n}#@(", max_size=300), st.integers(1, 30))
def test_units_hold_every_line_once_in_order(body: str, size: int) -> None:
    units = code_units(body, size)
    assert all(end <= after for (_, end), (after, _) in pairwise(units))
    assert "".join("".join(body[start:end].split()) for start, end in units) == "".join(body.split())


def test_deep_nesting_ends() -> None:
    body = "\n".join(" " * n + "if x:" for n in range(2000))
    assert len(code_units(body, 20)) > 100


def test_each_row_is_a_chunk_with_its_header() -> None:
    builder = DocumentBuilder("faq.csv")
    builder.heading(1, "FAQ")
    builder.paragraph("Asked often.")
    builder.table([["Question", "Answer"], ["Open when?", "At nine."], ["Where?", "Here."]], headers=1)
    document = builder.build()
    found = texts(document, Splitting(by=SplitBy.ROWS))
    assert found[-2:] == ["Question: Open when?; Answer: At nine.", "Question: Where?; Answer: Here."]
    assert make_splitter(Splitting(by=SplitBy.ROWS)).split(document)[-1].heading_path == ("FAQ",)
    assert len(texts(document, Splitting())) == 1


def test_a_delimiter_begins_a_record() -> None:
    builder = DocumentBuilder("faq.txt")
    builder.heading(1, "FAQ")
    for number in range(3):
        builder.lines(f"Q: Question {number}?\nA: Answer {number}. And Q: inside of a line.")
    builder.lines("Q: long\n" + "This sentence is one of many in a long answer. " * 20)
    document = builder.build()
    splitting = Splitting(size=60, overlap=0, by=SplitBy.DELIMITER, delimiter="Q:")
    found = texts(document, splitting)
    assert found[:4] == ["FAQ", *(f"Q: Question {n}?\nA: Answer {n}. And Q: inside of a line." for n in range(3))]
    assert all(count_tokens(text) <= 60 for text in found)
    assert "".join("".join(found).split()) == "".join(document.text.split())


def test_an_impossible_overlap() -> None:
    with pytest.raises(ValueError, match="overlap"):
        make_splitter(Splitting(size=20, overlap=20))
