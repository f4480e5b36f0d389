"""Which of several decodings looks like language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.decode.decoder import language, plausibility

_SENTENCES = {
    "simplified": ("知识库里的问题都有答案，请看第三章的说明。", "gb18030"),
    "traditional": ("這個問題的說明在第三章，請您看過以後再來。", "big5"),
    "japanese": ("この問題についてはマニュアルの第三章をご覧ください。", "cp932"),
    "korean": ("이 문제에 대한 설명은 제삼장에서 볼 수 있습니다.", "cp949"),
}


@pytest.mark.parametrize("name", _SENTENCES)
def test_a_sentence_looks_most_like_its_own_language(name: str) -> None:
    """Read in each of the four encodings, the right one wins and reaches 0.8."""
    text, encoding = _SENTENCES[name]
    raw = text.encode(encoding)
    scores = {other: plausibility(raw.decode(codec, "replace"), other) for other, (_, codec) in _SENTENCES.items()}
    assert max(scores, key=lambda each: scores[each]) == name
    assert scores[name] >= 0.8


@given(st.text(max_size=50), st.sampled_from([*_SENTENCES, "any"]))
def test_it_lies_between_minus_one_and_one_and_does_not_ask_for_order(text: str, name: str) -> None:
    found = plausibility(text, name)
    assert -1 <= found <= 1
    assert plausibility("".join(sorted(text)), name) == pytest.approx(found)


def test_ascii_says_nothing_but_where_any_language_will_do() -> None:
    assert plausibility("plain words", "simplified") == 0
    assert plausibility("plain words", "any") == 1
    assert plausibility("的 in words", "simplified") == 1


@pytest.mark.parametrize("text", ["\ue000\uf8ff", "\uff71\uff72", "\x80\x9f", "\u2592\u2593"])
def test_private_and_control_characters_are_no_language(text: str) -> None:
    assert plausibility(text, "simplified") == -1


def test_the_first_level_of_gb2312_has_its_published_size() -> None:
    """GB 2312-80 has 3,755 characters in its first level, KS X 1001 2,350 syllables."""
    assert len(language("simplified").ordinary) == 3755
    assert len(language("korean").ordinary) == 2350
