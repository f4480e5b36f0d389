"""What a question is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.text.question_terms import asked_pieces, asked_words, question_terms
from kb_server.text.terms import terms


@pytest.mark.parametrize(
    ("question", "pieces"),
    [
        ("How many points did the Panthers defense surrender?", [("point",), ("panther",), ("defens",), ("surrend",)]),
        ("试用期有多长？", [("试用",), ("试用", "用期"), ("用期",)]),
        ("PR-420 是哪家供应商的？", [("pr",), ("420",), ("供应",), ("供应", "应商"), ("应商",)]),
        ("What is it?", [("what",), ("is",), ("it",)]),  # about nothing else
        ("？", []),
    ],
)
def test_pieces(question: str, pieces: list[tuple[str, ...]]) -> None:
    assert [piece.terms for piece in asked_pieces(question)] == pieces


@given(st.one_of(st.text(), st.text("的是什么哪年谁公司员工 ab12？《》ﬀ１", max_size=30)))
def test_pieces_have_terms_of_the_question_once(question: str) -> None:
    pieces = asked_pieces(question)
    assert {term for piece in pieces for term in piece.terms} <= set(question_terms(question))
    assert len(set(pieces)) == len(pieces)
    assert bool(pieces) == bool(terms(question))


def test_words_leave_out_what_only_asks() -> None:
    assert asked_words("When was the Eiffel Tower finished?") == ["Eiffel", "Tower", "finished"]
    assert asked_words("公司食堂是哪一年建成的？") == ["公司食", "建成"]
