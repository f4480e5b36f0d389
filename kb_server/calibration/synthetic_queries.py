"""Questions made from a text, made to look like people's: shorter, and partly in other words.

A question by rules repeats its sentence, so that anything finds it. Of people's questions about the same passages, the
passage holds between a third and all by weight, and a fifth have words that no passage has (measured on XQuAD and CMRC
2018). So a few words are kept, and words are exchanged for others until the passage holds a share that is drawn. What
comes out is no sentence; it is asked of the indexes only, never shown. See docs/decisions/refusal.md.
"""

import random
from collections.abc import Callable, Collection, Sequence

from kb_server.answering.refusal.evidence import QuestionWeights, TermWeights
from kb_server.text.question_terms import asked_words
from kb_server.text.terms import is_cjk, script

Known = Callable[[str], TermWeights]

_FEWEST, _MOST = 3, 9
_SHARES = (0.35, 1.1)
_STRANGE = 0.5


class SyntheticQueries:
    """Rewords questions of one base; `known` gives the weights of a text's terms. Reproducible by its seed."""

    def __init__(self, texts: Sequence[str], known: Known, seed: int) -> None:
        self._texts = texts
        self._known = known
        self._random = random.Random(seed)  # noqa: S311 - sampling, not secrecy

    def reword(self, question: str, passage: Collection[str]) -> str | None:
        """Return a question of which a passage, given by its terms, holds a drawn share; None if it says too little."""
        cjk = script(question) == "cjk"
        words, others = self._some(asked_words(question)), self._others(cjk=cjk)
        if len(words) < _FEWEST or not others:
            return None
        share = self._random.uniform(*_SHARES)
        order = self._random.sample(range(len(words)), len(words))
        while order and self._held(_joined(words, cjk=cjk), passage) > share:
            words[order.pop()] = self._other(others)
        return _joined(words, cjk=cjk)

    def _some(self, words: list[str]) -> list[str]:
        count = self._random.randint(_FEWEST, _MOST)
        start = self._random.randint(0, max(0, len(words) - count))
        return words[start : start + count]

    def _others(self, *, cjk: bool) -> list[str]:
        text = self._random.choice(self._texts)
        return [word for word in asked_words(text) if is_cjk(word) == cjk]

    def _other(self, words: list[str]) -> str:
        """Return a word of the base, or a word that it hardly has: one of its own, read backwards."""
        word = self._random.choice(words)
        return word[::-1] if self._random.random() < _STRANGE else word

    def _held(self, question: str, passage: Collection[str]) -> float:
        return QuestionWeights(question, self._known(question)).share(passage)


def _joined(words: list[str], *, cjk: bool) -> str:
    return "".join(words) + "？" if cjk else " ".join(words) + "?"
