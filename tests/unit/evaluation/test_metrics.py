"""Answer metrics against values worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import EvalCase
from kb_server.evaluation.metrics import answer_metrics, bleu, contains, rouge_l, token_f1, tokens


def _case(*answers: str, parts: tuple[tuple[str, ...], ...] = ()) -> EvalCase:
    return EvalCase(id="1", question="?", answers=answers, parts=parts)


def test_tokens_are_words_and_chinese_characters() -> None:
    assert tokens("The ChatGLM-6B 显存，about 6 GB!") == ["chatglm", "6b", "显", "存", "about", "6", "gb"]
    assert tokens("ＡＢＣ") == ["abc"]
    assert tokens("The") == ["the"]  # an answer that is an article is still an answer
    assert tokens("…") == []


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [
        # common: in 1889 (2); precision 2/5 (it was finished in 1889), recall 2/2: 2 * .4 * 1 / 1.4
        ("It was finished in 1889.", "in 1889", 4 / 7),
        # common: 三 天 (2) of 5 said and 3 wanted: 2 * .4 * .667 / 1.067
        ("最多可三天", "三天内", 0.5),
        ("the cat", "Cat", 1.0),
        ("dog dog", "dog", 2 / 3),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
    ],
)
def test_token_f1(answer: str, gold: str, f1: float) -> None:
    assert token_f1(answer, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("answer", "gold", "value"),
    [
        # longest common subsequence b d (2) of 4 and 3: 2 * (2/4) * (2/3) / (2/4 + 2/3)
        ("b x d y", "b c d", 4 / 7),
        # 今 天 好 (3) of 6 and 4
        ("今天天气很好", "今天不好", 0.6),
        ("nothing", "alike", 0.0),
    ],
)
def test_rouge_l(answer: str, gold: str, value: float) -> None:
    assert rouge_l(answer, gold) == pytest.approx(value)


def test_bleu_of_the_same_is_one_and_counts_chinese_characters() -> None:
    assert bleu("the cat sat on the mat", ["the cat sat on the mat"]) == pytest.approx(1.0)
    # 3 tokens, so orders 1 to 3: precisions 3/3, 2/2, 1/1; brevity exp(1 - 4/3)
    assert bleu("三天内", ["三天内交"]) == pytest.approx(0.7165, abs=1e-3)
    assert bleu("dog", ["cat"]) == 0.0


def test_the_best_of_several_answers_counts() -> None:
    found = answer_metrics("Paris", _case("London", "Paris"))
    assert (found["exact_match"], found["f1"], found["contains"]) == (1.0, 1.0, 1.0)
    assert answer_metrics("Paris", _case()) == {}
    assert answer_metrics("", _case("Paris"))["contains"] == 0.0


def test_every_part_must_be_there_in_one_of_its_wordings() -> None:
    case = _case(parts=(("Apple", "Apple Inc"), ("Microsoft",)))
    assert contains("Microsoft and apple  inc", case)
    assert not contains("Apple Inc", case)
    assert answer_metrics("Apple Microsoft", case)["exact_match"] == 1.0


@given(st.text(max_size=40), st.text(min_size=1, max_size=40))
def test_metrics_lie_between_zero_and_one(answer: str, gold: str) -> None:
    found = answer_metrics(answer, _case(gold))
    assert all(0.0 <= value <= 1.0 for value in found.values())


@given(st.text(max_size=40), st.text(max_size=40))
def test_f1_is_symmetric(a: str, b: str) -> None:
    assert token_f1(a, b) == pytest.approx(token_f1(b, a))
