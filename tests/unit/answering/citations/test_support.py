"""Statements written by hand about short passages, true ones in other words and false ones in nearly the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.answering.citations.support import is_supported
from tests.paths import DATA

_FILE = DATA / "statements.jsonl"
CASES = [json.loads(line) for line in _FILE.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=[case["statement"] for case in CASES])
def test_a_statement_is_supported_only_if_the_passage_says_it(case: dict[str, Any]) -> None:
    assert is_supported(case["statement"], case["passage"]) is case["supported"]


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_quote_of_the_passage_is_always_supported(before: str, behind: str) -> None:
    assert is_supported("The tower is not 330 metres tall.", f"{before} The tower is not 330 metres tall. {behind}")


@given(st.integers(2, 10**9), st.integers(2, 10**9))
def test_a_number_that_the_passage_does_not_have_is_never_supported(said: int, true: int) -> None:
    sentence = "In that year the plant made {:,} barrels of oil."
    assert is_supported(sentence.format(said).replace(",", ""), sentence.format(true)) is (said == true)


def test_names_may_come_from_the_headings_and_where_the_source_points_back_from_what_is_before_it() -> None:
    text, headings = "It was built in 1890.", ("Bridges", "Forth Bridge")
    assert is_supported("The Forth Bridge was built in 1890.", text, headings)
    assert not is_supported("The Tay Bridge was built in 1890.", text, headings)
    assert is_supported("Ada Lovelace wrote it in 1843.", "Ada Lovelace knew Babbage. She wrote it in 1843.")
