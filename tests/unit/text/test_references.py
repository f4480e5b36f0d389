"""Words by which a text leans on what was said before it."""

import pytest

from kb_server.text.references import LEANS_BACK, POINTS_BACK


@pytest.mark.parametrize("text", ["When was it built?", "And THEIR keys?", "它什么时候建成？", "该规定适用于谁？"])
def test_a_pronoun_points_back_wherever_it_stands(text: str) -> None:
    assert POINTS_BACK.search(text)


@pytest.mark.parametrize(
    "text", ["Who signs travel requests?", "Items and thickness", "谁签字？", "When does the gate open?"]
)
def test_a_question_that_stands_by_itself_does_not(text: str) -> None:
    assert not POINTS_BACK.search(text)


def test_a_sentence_leans_back_by_how_it_begins() -> None:
    assert LEANS_BACK.match("However, the gate is closed.")
    assert LEANS_BACK.match("同时，大门关闭。")
    assert not LEANS_BACK.match("Butter is kept cold.")
    assert not LEANS_BACK.match("The gate is closed, and it stays so.")
