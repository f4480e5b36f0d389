"""From outcomes to metrics: for each case, and for the run with intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kb_server.evaluation.metrics import (
    RiskCoverage,
    answer_metrics,
    calibration_error,
    citation_metrics,
    refusal_at,
    retrieval_metrics,
    risk_coverage,
)
from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.statements import unmarked

Floats = npt.NDArray[np.float64]

_DRAWS = 2000

_LEVEL = 95


def mean_interval(values: Floats, seed: int = 0) -> tuple[float, float]:
    """Return the 95% percentile interval of the mean of at least one value; the same values give the same interval.

    Efron and Tibshirani 1993, section 13.3. Values that are all equal give an interval of width 0, and so does one.
    """
    draws = np.random.default_rng(seed).integers(0, len(values), (_DRAWS, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    return float(low), float(high)


RETRIEVAL = ("recall@1", "recall@3", "recall@5", "recall@10", "mrr@10", "ndcg@10", "map")

ANSWERS = (
    *("contains", "exact_match", "f1", "rouge_l", "bleu"),
    *("citation_precision", "citation_recall", "faithfulness", "faithfulness_judged"),
    *("refusal_recall", "false_refusal"),
)

LOWER_IS_BETTER = frozenset(("false_refusal", "aurc", "ece", "p50", "p95"))

_FALSE_REFUSAL = 0.05


def score(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes with their metrics; one that does not apply to a case is left out."""
    found = retrieval_metrics(outcomes)
    return [replace(item, metrics={**ranks, **_metrics(item)}) for item, ranks in zip(outcomes, found, strict=True)]


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the summary of scored outcomes: means, null where no case has the metric, and intervals beside them."""
    kinds = sorted({outcome.case.kind for outcome in outcomes if outcome.case.kind})
    return {
        "n": len(outcomes),
        "answerable": sum(outcome.case.answerable for outcome in outcomes),
        "retrieval": _means(outcomes, RETRIEVAL),
        "answers": _means(outcomes, ANSWERS),
        "refusal": _refusal(outcomes),
        "latency_ms": {**_percentiles(outcomes, "total"), "stages": _stages(outcomes)},
        "tokens": _tokens(outcomes),
        "verdicts": _verdicts(outcomes),
        "intervals": _intervals(outcomes),
        "kinds": {kind: _by_kind([item for item in outcomes if item.case.kind == kind]) for kind in kinds},
    }


def curve_of(outcomes: Sequence[Outcome]) -> RiskCoverage | None:
    """Return the risk-coverage curve of the cases whose answers can be judged, None if there are none."""
    judged = _judged(outcomes)
    return (
        risk_coverage([item.confidence for item in judged], [is_correct(item) for item in judged]) if judged else None
    )


def is_correct(outcome: Outcome) -> bool:
    """Tell whether an answer was given, could be given, and holds an accepted answer."""
    return outcome.case.answerable and outcome.metrics.get("contains", 0.0) == 1.0


def values_of(outcomes: Iterable[Outcome], name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a metric of the cases that have it, in order."""
    return np.array([outcome.metrics[name] for outcome in outcomes if name in outcome.metrics], np.float64)


def _metrics(outcome: Outcome) -> dict[str, float]:
    if not outcome.case.answerable:
        return {"refusal_recall": float(outcome.refused), **citation_metrics(outcome)}
    answer = "" if outcome.refused else unmarked(outcome)
    found = answer_metrics(answer, outcome.case)
    return {**found, **citation_metrics(outcome), "false_refusal": float(outcome.refused)}


def _means(outcomes: Sequence[Outcome], names: Iterable[str]) -> dict[str, float | None]:
    found = {name: values_of(outcomes, name) for name in names}
    return {name: round(float(values.mean()), 4) if len(values) else None for name, values in found.items()}


def _intervals(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Return the 95% bootstrap interval of each mean."""
    found = {name: values_of(outcomes, name) for name in (*RETRIEVAL, *ANSWERS)}
    return {name: [round(bound, 4) for bound in mean_interval(values)] for name, values in found.items() if len(values)}


def _refusal(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    judged = _judged(outcomes)
    curve = curve_of(outcomes)
    confidences = [outcome.confidence for outcome in outcomes]
    at = refusal_at(confidences, [outcome.case.answerable for outcome in outcomes], _FALSE_REFUSAL)
    ece = calibration_error([i.confidence for i in judged], [is_correct(i) for i in judged]) if judged else None
    return {
        "aurc": _rounded(curve.area if curve else None),
        "ece": _rounded(ece),
        "refusal_recall@5%": _rounded(at),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _judged(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the cases of which one can tell whether the answer is right."""
    return [outcome for outcome in outcomes if "contains" in outcome.metrics or not outcome.case.answerable]


def _stages(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float | None]]:
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.timings_ms)
    return {name: _percentiles(outcomes, name) for name in names}


def _percentiles(outcomes: Sequence[Outcome], stage: str) -> dict[str, float | None]:
    times = [outcome.timings_ms[stage] for outcome in outcomes if stage in outcome.timings_ms]
    if not times:
        return {"p50": None, "p95": None}
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}


def _tokens(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return the tokens read (`prompt`) and written (`answer`) in all; empty if no model was asked."""
    names = sorted({name for outcome in outcomes for name in outcome.tokens})
    return {name: sum(outcome.tokens.get(name, 0) for outcome in outcomes) for name in names}


def _verdicts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    verdicts = [verdict for outcome in outcomes for verdict in outcome.judged]
    return {"yes": verdicts.count(True), "no": verdicts.count(False), "no_verdict": verdicts.count(None)}


def _by_kind(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    names = ("recall@1", "mrr@10", "contains", "f1", "refusal_recall", "false_refusal")
    means = _means(outcomes, names)
    return {"n": len(outcomes), **{name: value for name, value in means.items() if value is not None}}
