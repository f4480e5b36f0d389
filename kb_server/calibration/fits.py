"""Single settings fitted to one half of the questions, and kept only if they do no worse on the other half."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kb_server.answering.refusal.confidence import ConfidenceModel
from kb_server.answering.refusal.evidence import Evidence
from kb_server.calibration.tuning_questions import TuningQuestion
from kb_server.core.domain import Calibration, Fusion
from kb_server.search.calibration import UNTUNED
from kb_server.search.fusion import UNFITTED_WEIGHT

Floats = npt.NDArray[np.float64]
Weights = Mapping[str, float]
Value = float | tuple[float, ...] | None

FALSE_REFUSAL = 0.05
_GRID = np.linspace(0.0, 1.0, 21)
_FEWEST_OF_SCRIPT = 20  # in each half
_SURE = 2.0  # standard errors by which a weight must be better: the reworded questions are no sentences for an embedder
_FEWEST_PASSAGES, _MOST_PASSAGES = 3, 8  # answers from two documents and contradictions need some
_WORTH_A_PASSAGE = 0.01
DEPTHS = (0, 10, 20, 40)  # 0: the reranker is not asked
_PLACES = 3


@dataclass(frozen=True, slots=True)
class Change:
    """What a setting was and is now, and a measure (higher is better) of both on the held-out half."""

    setting: str
    before: Value
    after: Value
    measure: str
    held_out_before: float
    held_out_after: float


def fit_fusion(
    now: Fusion | None, fit: Sequence[TuningQuestion], check: Sequence[TuningQuestion]
) -> tuple[Weights, list[Change]]:
    """Return the weight of the dense score for each script; another one only if it finds surely better."""
    weights = dict(now.weights) if now else dict.fromkeys(("cjk", "other"), UNFITTED_WEIGHT)
    changes = []
    for script, weight in sorted(weights.items()):
        halves = [[question for question in half if question.script == script] for half in (fit, check)]
        if min(map(len, halves)) < _FEWEST_OF_SCRIPT:
            continue
        proposed = _best_weight(halves[0])
        old, new = _reciprocal(halves[1], weight), _reciprocal(halves[1], proposed)
        if not _is_surely_better(new - old):
            proposed, new = weight, old
        weights[script] = proposed
        changes.append(_change(f"fusion.{script}", weight, proposed, "mrr", old.mean(), new.mean()))
    return weights, changes


def _is_surely_better(gain: Floats) -> bool:
    return bool(gain.mean() > _SURE * gain.std() / np.sqrt(len(gain)))


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence of questions: for each once as it is, and once as it is without its documents."""

    answerable: list[Evidence]
    unanswerable: list[Evidence]

    @classmethod
    def of(cls, questions: Sequence[TuningQuestion], weights: Weights) -> "Judged":
        """Take the evidence of questions under weights of the dense score."""
        pairs = [(question, weights[question.script]) for question in questions]
        return cls(
            *([question.evidence(weight, answerable=is_) for question, weight in pairs] for is_ in (True, False))
        )

    def confidences(self, model: ConfidenceModel) -> tuple[Floats, Floats]:
        """Return a model's confidence in each of both."""
        answerable, unanswerable = (
            np.array([model.confidence(item) for item in kind]) for kind in (self.answerable, self.unanswerable)
        )
        return answerable, unanswerable

    def refused(self, model: ConfidenceModel, bound: float) -> dict[str, float]:
        """Return the shares that are refused below a bound, of answerable and of unanswerable ones."""
        answerable, unanswerable = self.confidences(model)
        return {
            "false_refusal": float((answerable < bound).mean()),
            "refusal_recall": float((unanswerable < bound).mean()),
        }


def fit_refusal(now: Calibration, fit: Judged, check: Judged) -> tuple[Calibration, list[Change]]:
    """Return the model of confidence and the bound below which an answer is refused.

    The bound refuses FALSE_REFUSAL of the answerable ones of the fitted half. A new model is kept if it is no less
    likely on the other half, a new bound if it decides no fewer questions rightly there.
    """
    evidence = [*fit.answerable, *fit.unanswerable]
    answerable = [True] * len(fit.answerable) + [False] * len(fit.unanswerable)
    old, new = ConfidenceModel(now.weights), ConfidenceModel(UNTUNED.weights).fitted(evidence, answerable)
    before = _right(check, old, now.refuse_below)
    for model in (new, old):
        bound = round(float(np.quantile(fit.confidences(model)[0], FALSE_REFUSAL)), _PLACES)
        after = _right(check, model, bound)
        if after >= before and _likelihood(check, model) >= _likelihood(check, old):
            break
    else:
        model, bound, after = old, now.refuse_below, before
    changes = [
        _change(
            "confidence",
            old.weights,
            model.weights,
            "log likelihood",
            _likelihood(check, old),
            _likelihood(check, model),
        ),
        _change("refuse_below", now.refuse_below, bound, "decided rightly", before, after),
    ]
    figures = {name: round(share, _PLACES) for name, share in check.refused(model, bound).items()}
    return replace(now, weights=model.weights, refuse_below=bound, held_out=figures), changes


def fit_passages(now: int, fit: Sequence[int], check: Sequence[int]) -> tuple[int, Change]:
    """Return how many passages an answer is made from, by the ranks (0: not found) of the ones that hold it.

    Fewest first: the one at which more passages add less than a hundredth.
    """
    most = _found(fit, _MOST_PASSAGES)
    enough = (n for n in range(_FEWEST_PASSAGES, _MOST_PASSAGES + 1) if _found(fit, n) >= most - _WORTH_A_PASSAGE)
    proposed = next(enough)
    if _found(check, proposed) < _found(check, now):
        proposed = now
    return proposed, _change("passages", now, proposed, "found", _found(check, now), _found(check, proposed))


def fit_depth(now: int, ranks: Callable[[int], Iterable[Sequence[int]]]) -> tuple[int, Change]:
    """Return how many passages a reranker reads; `ranks` gives for a depth those of the fitted and the other half."""
    fitted = {depth: tuple(ranks(depth)) for depth in sorted({*DEPTHS, now})}
    proposed = max(fitted, key=lambda depth: (_mean_reciprocal(fitted[depth][0]), -depth))
    if _mean_reciprocal(fitted[proposed][1]) < _mean_reciprocal(fitted[now][1]):
        proposed = now
    old, new = (_mean_reciprocal(fitted[depth][1]) for depth in (now, proposed))
    return proposed, _change("rerank_depth", now, proposed, "mrr", old, new)


def _best_weight(questions: Sequence[TuningQuestion]) -> float:
    means = np.array([_reciprocal(questions, float(weight)).mean() for weight in _GRID])
    best = _GRID[means >= means.max() - 1e-9]
    return round(float(best[len(best) // 2]), 2)


def _reciprocal(questions: Sequence[TuningQuestion], weight: float) -> Floats:
    ranks = np.array([question.rank(weight) for question in questions], np.float64)
    return np.divide(1.0, ranks, out=np.zeros_like(ranks), where=ranks > 0)


def _mean_reciprocal(ranks: Sequence[int]) -> float:
    return float(np.mean([1 / rank if rank else 0.0 for rank in ranks]))


def _found(ranks: Sequence[int], passages: int) -> float:
    return float(np.mean([0 < rank <= passages for rank in ranks]))


def _right(judged: Judged, model: ConfidenceModel, bound: float) -> float:
    """Return the share of questions that are answered or refused as they should, both kinds weighing the same."""
    refused = judged.refused(model, bound)
    return (1 - refused["false_refusal"] + refused["refusal_recall"]) / 2


def _likelihood(judged: Judged, model: ConfidenceModel) -> float:
    answerable, unanswerable = judged.confidences(model)
    both = np.log(np.clip(answerable, 1e-6, 1)).mean() + np.log(np.clip(1 - unanswerable, 1e-6, 1)).mean()
    return float(both / 2)


def _change(setting: str, before: Value, after: Value, measure: str, old: float, new: float) -> Change:
    return Change(setting, before, after, measure, round(float(old), _PLACES), round(float(new), _PLACES))
