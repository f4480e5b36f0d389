"""How two runs differ."""

from tests.ui.fake_service import NOW, FakeService
from tests.unit.webui.conftest import Draw

PLACE = "/api/v1/knowledge-bases/handbook/evaluations"


def _run(number: int, result: object) -> dict[str, object]:
    fixed = {"state": "done", "error": None, "created": NOW, "finished": NOW, "mode": "extract", "done": 9, "total": 9}
    return {**fixed, "id": f"r{number}", "result": result}


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.evaluation.screen import draw_comparing as draw

    draw(visit_of(url), "handbook")


def test_the_one_before_last_is_compared_with_the_last(draw: Draw, fake: FakeService) -> None:
    metric = {"n": 9, "a": 0.5, "b": 0.75, "difference": 0.25, "low": 0.1, "high": 0.4, "verdict": "better"}
    fake.canned["GET", PLACE] = {"runs": [_run(3, {}), _run(2, None), _run(1, {})]}
    compared = {"n": 9, "only_in_a": 0, "only_in_b": 0, "metrics": {"recall@5": metric, "p50": metric}}
    fake.canned["GET", f"{PLACE}/r1/compare/r3"] = compared
    page = draw(_script, fake.url)
    table = page.dataframe[0].value
    assert list(table.iloc[:, 3]) == ["+0.250  [+0.100, +0.400]"] * 2
    (chart,) = page.get("vega_lite_chart")
    assert "p50" not in chart.proto.alt, "a time is in the table only"


def test_two_are_needed(draw: Draw, fake: FakeService) -> None:
    fake.canned["GET", PLACE] = {"runs": [_run(2, {}), _run(1, None)]}
    page = draw(_script, fake.url)
    assert len(page.info) == 1
