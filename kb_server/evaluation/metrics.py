"""How near an answer's words come to the accepted ones: 0..1, the best over all accepted answers.

English is counted in words and Chinese in characters, as SQuAD's and CMRC's own evaluations do.
"""

import re
import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kb_server.answering.citations.support import is_supported, normalised
from kb_server.core.answers import Citation
from kb_server.core.domain import EvalCase
from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.statements import Statement, statements
from kb_server.text.characters import CJK_LETTERS
from kb_server.text.terms import is_cjk, script

if TYPE_CHECKING:
    from ir_measures import Qrel, ScoredDoc


def retrieval_metrics(outcomes: Sequence[Outcome]) -> list[dict[str, float]]:
    """Return for each outcome its recall@1/3/5/10, mrr@10, ndcg@10 and map; empty where no document is expected.

    A document counts at the rank of its first passage. Recall is the share of a case's documents found, so a case
    with two documents reaches at most one half at rank 1.
    """
    import ir_measures
    from ir_measures import AP, RR, R, nDCG

    names = {R @ 1: "recall@1", R @ 3: "recall@3", R @ 5: "recall@5", R @ 10: "recall@10"}
    names |= {RR @ 10: "mrr@10", nDCG @ 10: "ndcg@10", AP: "map"}
    scored = [(str(i), outcome) for i, outcome in enumerate(outcomes) if outcome.case.documents]
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for item in ir_measures.iter_calc(list(names), *_judged_and_found(scored)) if scored else ():
        found[item.query_id][names[item.measure]] = float(item.value)
    nothing = dict.fromkeys(names.values(), 0.0)  # a case for which nothing was retrieved is not in the run
    return [{**nothing, **found[str(i)]} if outcome.case.documents else {} for i, outcome in enumerate(outcomes)]


def _judged_and_found(
    outcomes: Sequence[tuple[str, Outcome]],
) -> "tuple[list[Qrel], list[ScoredDoc]]":
    """Return which documents belong to each outcome, and which were found at which rank, as ir_measures has them."""
    from ir_measures import Qrel, ScoredDoc

    wanted = [Qrel(i, name, 1) for i, outcome in outcomes for name in set(outcome.case.documents)]
    found = [ScoredDoc(i, name, -rank) for i, outcome in outcomes for rank, name in enumerate(outcome.documents)]
    return wanted, found


def citation_metrics(outcome: Outcome) -> dict[str, float]:
    """Return what applies of these, each 0..1.

    - citation_precision: the share of citations whose quote is a substring of their passage and that are supported;
    - citation_recall: the share of statements with a supported citation;
    - faithfulness: the share of cited statements whose numbers, names and words stand in a passage they cite;
    - faithfulness_judged: the share of a judge's verdicts that say so.
    """
    stated = statements(outcome)
    found = {
        "citation_precision": [_stands(outcome, citation) for citation in outcome.citations],
        "citation_recall": [statement.supported for statement in stated],
        "faithfulness": [_is_faithful(statement) for statement in stated if statement.sources],
        "faithfulness_judged": [verdict for verdict in outcome.judged if verdict is not None],
    }
    return _means(found)


def _means(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: mean(values) for name, values in found.items() if values}


def _is_faithful(statement: Statement) -> bool:
    return any(is_supported(statement.text, source) for source in statement.sources)


def _stands(outcome: Outcome, citation: Citation) -> bool:
    passage = outcome.passage(citation.chunk_id)
    quoted = passage is not None and normalised(citation.quote) in normalised(passage.text or "")
    return quoted and citation.supported


Floats = npt.NDArray[np.float64]

_BINS = 10


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The risk (mean loss) of answering only the share `coverage` of questions that are most certain."""

    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """AURC: the mean risk over all coverages 1/n, 2/n … 1 (Geifman, Uziel and El-Yaniv 2019); lower is better."""
        return float(self.risk.mean())


def risk_coverage(confidences: Sequence[float], correct: Sequence[bool]) -> RiskCoverage:
    """Return the curve of at least one question. Questions of one confidence share it: each has their mean loss."""
    certainty = np.asarray(confidences, np.float64)
    loss = 1.0 - np.asarray(correct, np.float64)
    _, group = np.unique(-certainty, return_inverse=True)
    shared = np.bincount(group, loss) / np.bincount(group)
    answered = np.arange(1, len(loss) + 1)
    return RiskCoverage(answered / len(loss), np.cumsum(shared[np.sort(group)]) / answered)


def calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Return ECE: the mean distance of confidence from accuracy in ten bins of equal width (Guo et al. 2017)."""
    certainty, right = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    bins = np.clip(np.ceil(certainty * _BINS).astype(int) - 1, 0, _BINS - 1)
    gaps = [abs(certainty[bins == b].sum() - right[bins == b].sum()) for b in range(_BINS)]
    return float(sum(gaps) / len(right))


def refusal_at(confidences: Sequence[float], answerable: Sequence[bool], false_refusal: float) -> float | None:
    """Return the most unanswerable questions a threshold can refuse while it refuses no more than this share of others.

    A question is refused if its confidence lies below the threshold. None if one of the two kinds is missing.
    """
    certainty, known = np.asarray(confidences, np.float64), np.asarray(answerable, bool)
    if known.all() or not known.any():
        return None
    lowest = np.sort(certainty[known])
    threshold = lowest[int(false_refusal * len(lowest))]  # so many lie below it at most
    return float((certainty[~known] < threshold).mean())


_TOKEN = re.compile(rf"[{CJK_LETTERS}]|[^\W_{CJK_LETTERS}]+")

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
