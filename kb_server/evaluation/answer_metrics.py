"""How near an answer's words come to the accepted ones: 0..1, the best over all accepted answers.

English is counted in words and Chinese in characters, as SQuAD's and CMRC's own evaluations do.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from kb_server.domain import EvalCase
from kb_server.generation.checking.support import normalised
from kb_server.terms import is_cjk, script

_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_ARTICLES = frozenset(("a", "an", "the"))


def answer_metrics(answer: str, case: EvalCase) -> dict[str, float]:
    """Return contains, exact_match, f1, rouge_l and bleu of an answer without marks; empty if no answer is known."""
    golds = _wordings(case)
    if not golds:
        return {}
    return {
        "contains": float(contains(answer, case)),
        "exact_match": max(float(tokens(answer) == tokens(gold)) for gold in golds),
        "f1": max(token_f1(answer, gold) for gold in golds),
        "rouge_l": max(rouge_l(answer, gold) for gold in golds),
        "bleu": bleu(answer, golds),
    }


def contains(answer: str, case: EvalCase) -> bool:
    """Tell whether one of the accepted answers stands in the answer, and of each part one of its wordings.

    Width, case and white space do not matter.
    """
    said = normalised(answer)
    needed = [*([case.answers] if case.answers else []), *case.parts]
    return bool(needed) and all(any(normalised(gold) in said for gold in wordings) for wordings in needed)


def tokens(text: str) -> list[str]:
    """Return words of spaced scripts and characters of Chinese; without case, width, punctuation and articles."""
    found = _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())
    kept = [token for token in found if token not in _ARTICLES]
    return kept or found


def token_f1(answer: str, gold: str) -> float:
    """Return the harmonic mean of token precision and recall (Rajpurkar et al. 2016, section 6.1)."""
    said, wanted = Counter(tokens(answer)), Counter(tokens(gold))
    common = (said & wanted).total()
    if common == 0:
        return 0.0
    precision, recall = common / said.total(), common / wanted.total()
    return 2 * precision * recall / (precision + recall)


def rouge_l(answer: str, gold: str) -> float:
    """Return the F-measure of the longest common subsequence of tokens, by rouge-score."""
    score: float = _rouge().score(gold, answer)["rougeL"].fmeasure
    return score


def bleu(answer: str, golds: Sequence[str]) -> float:
    """Return sentence BLEU over 100 by sacrebleu: effective order, its Chinese tokens where a gold is Chinese."""
    chinese = any(script(gold) == "cjk" for gold in golds)
    score: float = _bleu("zh" if chinese else "13a").sentence_score(answer, list(golds)).score
    return min(score / 100, 1.0)


def _wordings(case: EvalCase) -> list[str]:
    """Return each accepted answer; parts make one answer, in their first wordings."""
    separator = "" if is_cjk(case.question) else " "
    joined = [separator.join(part[0] for part in case.parts)] if case.parts else []
    return [gold for gold in (*case.answers, *joined) if gold.strip(string.whitespace)]


class _Tokenizer:
    """What rouge-score needs; its own drops Chinese."""

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        return tokens(text)


@cache
def _rouge() -> Any:  # noqa: ANN401 - rouge-score has no types
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], tokenizer=_Tokenizer())


@cache
def _bleu(tokenize: str) -> Any:  # noqa: ANN401 - kept apart from sacrebleu's types, which load it
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=True, tokenize=tokenize)
