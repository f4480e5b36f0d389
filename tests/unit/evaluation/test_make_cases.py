"""A model's wording of a question is used only if it is a good one."""

from collections.abc import Iterator, Sequence

import pytest

from kb_server.calibration.questions import MadeQuestion
from kb_server.core.answers import Message, Sampling
from kb_server.core.domain import Chunk, EvalCase
from kb_server.evaluation.make_cases import QuestionWriter

TEXT = "The embedding model reads at most 256 tokens of a chunk."
MADE = MadeQuestion(
    EvalCase(
        id="1",
        question="The embedding model reads at most how many tokens?",
        answers=("256",),
        documents=("a",),
        kind="number",
    ),
    Chunk(id=1, document_id=1, document="a", text=TEXT, start=0, end=len(TEXT), page=None, heading_path=()),
)


class Says:
    """Writes one text, whatever it is asked."""

    name = "says"

    def __init__(self, text: str, window: int = 1000) -> None:
        self._text = text
        self.context_window = window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:  # noqa: ARG002
        yield self._text


def test_a_good_question_is_taken() -> None:
    written = QuestionWriter(Says(' "How long may a chunk be for the model?"\nAnswer: 256')).rewrite(MADE)
    assert (written.question, written.kind) == ("How long may a chunk be for the model?", "written")
    assert (written.answers, written.documents) == (MADE.case.answers, MADE.case.documents)


@pytest.mark.parametrize(
    "said", ["", "256 tokens?", "A statement on the model.", "Who?", "Zebra zoo xylophone?", "?" * 300]
)
def test_a_bad_one_is_not(said: str) -> None:
    assert QuestionWriter(Says(said)).rewrite(MADE) == MADE.case


def test_a_passage_too_long_for_the_model_stays_as_it_is() -> None:
    assert QuestionWriter(Says("How long may a chunk be?", window=20)).rewrite(MADE) == MADE.case


def test_an_invention_is_not_sent_to_the_model() -> None:
    invented = MadeQuestion(EvalCase(id="2", question="Where is Zorvath?", answerable=False), None)
    assert QuestionWriter(Says("What is the model?")).rewrite(invented) == invented.case
