"""Two runs over the same cases: whether one is better, or the difference could be chance.

The difference is taken case by case (a paired bootstrap, as Koehn 2004 has it), so that hard and easy cases do not
blur it. It is only called better or worse if the 95% interval of the mean difference leaves out 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kb_server.core.errors import UsageError
from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.run_folder import RunFolder
from kb_server.evaluation.scoring import ANSWERS, LOWER_IS_BETTER, RETRIEVAL, mean_interval, score

LATENCY = "latency_ms"

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """A metric in both runs, over the `n` cases that have it in both; `low` and `high` bound b - a."""

    n: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How run b differs from run a; cases in one of them alone, or asked differently, are counted and left out."""

    n: int
    only_in_a: int
    only_in_b: int
    metrics: Mapping[str, MetricDifference]


def compare(a: RunFolder, b: RunFolder) -> Comparison:
    """Compare two runs; raises UsageError if they have no case in common."""
    first, second = (_scored(folder) for folder in (a, b))
    shared = _asked_alike(first, second)
    if not shared:
        raise UsageError(
            f"The runs '{a.path}' and '{b.path}' have no case in common.", "Evaluate both with the same --cases."
        )
    pairs = [(_values(first[id_]), _values(second[id_])) for id_ in shared]
    both = {name: _of_both(name, pairs) for name in (*RETRIEVAL, *ANSWERS, LATENCY)}
    metrics = {name: _difference(name, values) for name, values in both.items() if values}
    return Comparison(len(shared), len(first) - len(shared), len(second) - len(shared), metrics)


def _asked_alike(first: Mapping[str, Outcome], second: Mapping[str, Outcome]) -> list[str]:
    return [id_ for id_ in first if id_ in second and first[id_].case == second[id_].case]


def _of_both(name: str, pairs: Sequence[tuple[Values, Values]]) -> list[tuple[float, float]]:
    """Return a metric in each pair that has it twice."""
    return [(x[name], y[name]) for x, y in pairs if name in x and name in y]


def _scored(folder: RunFolder) -> dict[str, Outcome]:
    """Return a run's outcomes, scored again so that both runs are measured alike."""
    folder.setup()  # says what is wrong if this is no run
    outcomes = list(folder.outcomes().values())
    return {outcome.case.id: outcome for outcome in score(outcomes)}


def _values(outcome: Outcome) -> dict[str, float]:
    total = outcome.timings_ms.get("total")
    return {**outcome.metrics, **({} if total is None else {LATENCY: total})}


def _difference(name: str, pairs: Sequence[tuple[float, float]]) -> MetricDifference:
    both = np.array(pairs, np.float64)
    low, high = mean_interval(both[:, 1] - both[:, 0])
    a, b = (round(float(mean), 4) for mean in both.mean(axis=0))
    return MetricDifference(len(pairs), a, b, round(b - a, 4), round(low, 4), round(high, 4), _verdict(name, low, high))


def _verdict(name: str, low: float, high: float) -> str:
    if low <= 0 <= high:
        return "no difference shown"
    lower_is_better = name in LOWER_IS_BETTER or name == LATENCY
    return "better" if (low > 0) != lower_is_better else "worse"


METRICS = (*RETRIEVAL, *ANSWERS, "refusal_recall@5%")

_GROUPS = ("retrieval", "answers", "refusal")


def parse_threshold(text: str, known: Sequence[str]) -> tuple[str, float]:
    """Return the metric and its bound; raises UsageError for an unknown metric or what is no number."""
    name, _, bound = text.partition("=")
    name = name.strip()
    if name in LOWER_IS_BETTER:
        raise UsageError(f"'{name}' is better when lower, so it has no least value.", "Name a metric to be reached.")
    if name not in known:
        raise UsageError(f"There is no metric '{name}'.", f"Known: {', '.join(known)}.")
    try:
        return name, float(bound)
    except ValueError as error:
        raise UsageError(f"'{text}' is not METRIC=NUMBER.", "For example: --fail-under recall@5=0.9") from error


def shortfalls(summary: Mapping[str, Any], bounds: Sequence[tuple[str, float]]) -> list[str]:
    """Say which metrics stay below their bound, or are not known."""
    values = {name: value for group in _GROUPS for name, value in summary[group].items()}
    found: list[str] = []
    for name, bound in bounds:
        value = values.get(name)
        if value is None:
            found.append(f"{name} is not known: no case has it")
        elif value < bound:
            found.append(f"{name} is {value:.4f}, less than {bound:g}")
    return found
