"""What an evaluation must reach: `recall@5=0.9`."""

from collections.abc import Mapping, Sequence
from typing import Any

from kb_server.core.errors import UsageError
from kb_server.evaluation.scoring import ANSWERS, LOWER_IS_BETTER, RETRIEVAL

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
