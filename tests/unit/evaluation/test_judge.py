"""A judge's verdicts, nonsense among them, and the counting of tokens."""

from collections.abc import Iterator, Sequence

import pytest

from kb_server.core.answers import Message, Sampling
from kb_server.evaluation.cost import MeteredGenerator
from kb_server.evaluation.evaluate import Judge, verdict
from tests.unit.evaluation.made import case, citation, outcome, passages


class Speaker:
    """A model whose tokens are words; says what it is told to."""

    name = "speaker"
    context_window = 1000

    def __init__(self, *says: str) -> None:
        self._says = iter(says)
        self.prompts: list[str] = []

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) + 1 for message in messages)

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:  # noqa: ARG002
        self.prompts.append(messages[-1].content)
        yield from next(self._says).split(" ")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        *(("yes", True), ("Yes.", True), (" **No**, it does not", False), ("NO", False), ("是。", True), ("否", False)),
        *(
            ("不是", False),
            ("", None),
            ("perhaps", None),
            ("yesterday", None),
            ("I think yes", None),
            ("nothing", None),
        ),
        *(("是否", None), ("是或否：", None), ("yes or no", None), ("是的，说了", True), ("42", None)),
    ],
)
def test_only_a_plain_first_word_is_a_verdict(said: str, meant: bool | None) -> None:
    assert verdict(said) is meant


def test_each_cited_statement_is_judged_with_its_passage() -> None:
    model = Speaker("yes", "banana banana")
    made = outcome(
        case(),
        passages("a", "b"),
        "It is so.[1] 并非如此。[2] No mark.",
        [citation(1, 0, "a"), citation(2, 1, "b")],
    )
    assert Judge(model).judge(made) == (True, None)
    assert "Passage:\na\n\nStatement: It is so." in model.prompts[0]
    assert "段落：\nb\n\n陈述：并非如此。" in model.prompts[1]


def test_a_passage_too_long_for_the_judge_gets_no_verdict() -> None:
    model = Speaker("yes")
    made = outcome(case(), passages("a", text="word " * 2000), "It is so.[1]", [citation(1, 0, "a")])
    assert Judge(model).judge(made) == (None,)
    assert model.prompts == []


def test_tokens_are_counted_once_for_each_answer() -> None:
    meter = MeteredGenerator(Speaker("one two three"))
    assert meter.take() == {}
    assert list(meter.stream([Message("user", "what is it")], Sampling())) == ["one", "two", "three"]
    # the pieces joined are one word here, as `split` dropped the spaces
    assert meter.take() == {"prompt": 4, "answer": 1}
    assert meter.take() == {}
