"""Few-shot examples, reasoning, self-consistency and the context budget, as the reader sees them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.answering.answering import ResolvedQuestion
from kb_server.answering.ask import whole_answer
from kb_server.answering.prompts import PromptBuilder, read_examples
from kb_server.answering.techniques import ReasoningSplit, majority, sample
from kb_server.core.answers import AnswerMode, Message, Sampling, Technique
from kb_server.core.domain import Chunk, Hit
from kb_server.core.errors import InvalidSetting
from tests.unit.answering.test_answering import QUESTION, ScriptedGenerator, _answering

WRITTEN = ResolvedQuestion(question=QUESTION, mode=AnswerMode.GENERATE, k=3)


class SeededGenerator(ScriptedGenerator):
    """Says another thing for each seed."""

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:  # noqa: ARG002 - the protocol
        assert sampling.temperature > 0
        yield self._pieces[sampling.seed % len(self._pieces)]


def hits(*texts: str) -> list[Hit]:
    return [
        Hit(
            chunk=Chunk(
                id=n, document_id=1, document="d", text=text, start=0, end=len(text), page=None, heading_path=()
            ),
            score=0.9,
        )
        for n, text in enumerate(texts)
    ]


def test_the_least_relevant_passage_goes_first_and_the_answer_says_so() -> None:
    generator = ScriptedGenerator("The tower was finished in 1889.")
    free = whole_answer(_answering(generator).stream(WRITTEN))
    assert free.notes == ()
    needed = sum(len(message.content) for message in generator.asked) + Sampling().max_tokens
    generator.context_window = needed - 1
    answer = whole_answer(_answering(generator).stream(WRITTEN))
    assert answer.notes == ("1 of 2 passages were left out: they do not fit into the model's window.",)
    shown = generator.asked[-1].content
    assert answer.hits[0].chunk.text in shown
    assert answer.hits[1].chunk.text not in shown


def test_old_turns_go_before_the_best_passage() -> None:
    generator = ScriptedGenerator()
    history = [
        Message("user", "old " * 50),
        Message("assistant", "a"),
        Message("user", "new"),
        Message("assistant", "b"),
    ]
    whole = PromptBuilder().build("what?", hits("best", "next"), history, generator, 10)
    generator.context_window = generator.count_tokens(whole.messages) + 10 - 30
    prompt = PromptBuilder().build("what?", hits("best", "next"), history, generator, 10)
    assert (prompt.left_out, [hit.chunk.text for hit in prompt.hits]) == (1, ["best"])
    assert [message.content for message in prompt.messages[1:-1]] == ["new", "b"]


def test_examples_stand_before_the_question(tmp_path: Path) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text('{"question": "谁？", "passages": ["张三签字。"], "answer": "张三 [1]。"}\n\n', "utf-8")
    prompt = PromptBuilder(examples=file).build("几点？", hits("九点开门。"), (), ScriptedGenerator(), 10)
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant", "user"]
    assert "[1] 张三签字。" in prompt.messages[1].content
    assert prompt.messages[2].content == "张三 [1]。"


@pytest.mark.parametrize("line", ["no json", "[]", '{"question": "q"}', '{"question":"q","passages":"p","answer":"a"}'])
def test_an_example_that_is_none_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text(f"\n{line}\n", "utf-8")
    with pytest.raises(InvalidSetting, match=r"examples\.jsonl:2"):
        read_examples(file)
    with pytest.raises(InvalidSetting, match=r"answering\.examples"):
        read_examples(tmp_path / "none")


def test_reasoning_is_asked_for_and_kept_apart() -> None:
    generator = ScriptedGenerator("<th", "ink>passage 1", " says</think>", "\n\nThe tower was finished in 1889.")
    answer = whole_answer(
        _answering(generator).stream(
            ResolvedQuestion(question=QUESTION, mode=AnswerMode.GENERATE, k=3, technique=Technique(reasoning=True))
        )
    )
    assert answer.reasoning == "passage 1 says"
    assert answer.text == "The tower was finished in 1889.[1]"
    assert "<think>" in generator.asked[0].content


def test_reasoning_that_never_ends_is_no_answer() -> None:
    answer = whole_answer(_answering(ScriptedGenerator("<think>well, ")).stream(WRITTEN))
    assert answer.refused
    assert answer.notes == ("The model did not finish thinking within 256 tokens.",)


@given(
    st.lists(st.text("ab<>/think ", max_size=5), max_size=10), st.text("xyz", min_size=1), st.text("uvw", min_size=1)
)
def test_the_split_does_not_depend_on_the_pieces(pieces: list[str], thought: str, said: str) -> None:
    plain = "".join(pieces)
    if not plain.lstrip().startswith("<think>") and not "<think>".startswith(plain.lstrip()):
        assert "".join(ReasoningSplit().answer(pieces)) == plain
    split, whole = ReasoningSplit(), f"<think>{thought}</think>\n{said}"
    assert "".join(split.answer(list(whole))) == said
    assert (split.reasoning, split.open) == (thought, False)


def test_the_answer_most_samples_give_is_given_with_its_share() -> None:
    generator = SeededGenerator("In 1889 [1].", "It opened in 1937.", "in 1889", "Nobody knows.")
    answer = whole_answer(
        _answering(generator).stream(
            ResolvedQuestion(question=QUESTION, mode=AnswerMode.GENERATE, k=3, technique=Technique(samples=4))
        )
    )
    assert answer.text.startswith("In 1889")
    assert answer.agreement == 0.5


def test_samples_differ_by_their_seeds() -> None:
    generator = SeededGenerator("a", "b", "c")
    assert sample(generator, [], Sampling(seed=1), 5) == ["b", "c", "a", "b", "c"]


def test_of_equal_shares_the_one_nearest_to_all_wins() -> None:
    assert majority(["red apples", "green pears", "red pears"]) == (2, 1 / 3)
    assert majority(["one"]) == (0, 1.0)
