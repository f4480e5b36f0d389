"""Questions reworded until a passage holds only a share of them."""

import pytest

from kb_server.answering.refusal.evidence import QuestionWeights, TermWeights
from kb_server.calibration.tuning_questions import SyntheticQueries
from kb_server.text.terms import terms

PASSAGE = {
    "other": "The old lighthouse keeper painted the northern harbour wall blue every spring before the herring came.",
    "cjk": "灯塔管理员每年春天鲱鱼到来之前都会把北部港口的旧墙重新漆成蓝色。",
}
OTHERS = {
    "other": "Sourdough bread rises slowly overnight inside warm kitchens.",
    "cjk": "酸面团面包在温暖厨房里整夜缓慢发酵。",
}


def _even(text: str) -> TermWeights:
    """Weigh every term the same, none of them absent."""
    return TermWeights(dict.fromkeys(terms(text), 1.0), 100)


@pytest.mark.parametrize("script", ["other", "cjk"])
def test_a_passage_holds_a_drawn_share(script: str) -> None:
    passage = set(terms(PASSAGE[script]))
    rewording = SyntheticQueries([OTHERS[script]], _even, 0)
    questions = [rewording.reword(PASSAGE[script], passage) for _ in range(200)]
    shares = [QuestionWeights(question, _even(question)).share(passage) for question in questions if question]
    assert len(shares) == 200
    assert min(shares) < 0.5
    assert sum(share == 1 for share in shares) > 5
    assert all(question.endswith(("?", "？")) for question in questions if question)


def test_the_same_seed_gives_the_same_words() -> None:
    made = [SyntheticQueries([OTHERS["other"]], _even, 3).reword(PASSAGE["other"], {"keeper"}) for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize("question", ["What is it?", "", "是什么？"])
def test_what_says_too_little_is_left(question: str) -> None:
    assert SyntheticQueries([*OTHERS.values()], _even, 0).reword(question, set()) is None
