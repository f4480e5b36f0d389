"""Plots of a run say in words what they show."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.unit.webui.conftest import Draw


def _script(name: str, given: list[object]) -> None:
    from webui.client.evaluations import Difference
    from webui.pages.evaluation import plots
    from webui.shell.phrases import Say

    if name == "difference_plot":
        given = [{key: Difference.model_validate(one) for key, one in given[0].items()}]  # type: ignore[attr-defined]
    getattr(plots, name)(Say("en"), *given)


def _chart(page: AppTest) -> tuple[dict[str, object], str]:
    """Return a chart as Vega-Lite has it, and what is said of it."""
    (found,) = page.get("vega_lite_chart")
    return json.loads(found.proto.spec), found.proto.alt


def test_recall_by_k_with_its_interval(draw: Draw) -> None:
    retrieval = {"recall@1": 0.5, "recall@5": 0.75, "recall@3": None}
    page = draw(_script, "recall_plot", [{"retrieval": retrieval, "intervals": {"recall@1": (0.4, 0.6)}}])
    _, said = _chart(page)
    assert said.endswith("k=1: 50%; k=5: 75%")


def test_risk_ends_with_all_answered(draw: Draw) -> None:
    _, said = _chart(draw(_script, "risk_plot", [[0.5, 1.0], [0.0, 0.25]]))
    assert said.endswith("25% / 100%")


def test_times_of_steps_that_were_measured(draw: Draw) -> None:
    stages = {"retrieve": {"p50": 12.0, "p95": None}, "own_step": {"p50": 3.0, "p95": 9.0}}
    _, said = _chart(draw(_script, "latency_plot", [stages]))
    assert "p50: 12.0 ms" in said
    assert "own_step p95: 9.0 ms" in said
    assert "None" not in said


def test_differences_with_their_sign(draw: Draw) -> None:
    one = {"n": 9, "a": 0.5, "b": 0.4, "difference": -0.1, "low": -0.2, "high": 0.0, "verdict": "worse"}
    spec, said = _chart(draw(_script, "difference_plot", [{"recall@5": one, "own": {**one, "difference": 0.1}}]))
    assert "-0.100" in said
    assert "own: +0.100" in said
    assert spec["height"] == 40 + 28 * 2


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("recall_plot", [{"retrieval": {}, "intervals": {}}]),
        ("risk_plot", [[], []]),
        ("latency_plot", [{"retrieve": {"p50": None, "p95": None}}]),
    ],
)
def test_without_numbers_there_is_no_plot(draw: Draw, name: str, given: list[object]) -> None:
    page = draw(_script, name, given)
    assert len(page.markdown) == 0
