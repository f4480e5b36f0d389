"""Runs over a base's questions: their names, their numbers, what went wrong."""

import pytest

from tests.ui.fake_service import NOW, FakeService
from tests.unit.webui.conftest import Draw
from webui.client.evaluations import Run
from webui.pages.evaluation.runs import run_name
from webui.shell.phrases import Say

PLACE = "/api/v1/knowledge-bases/handbook/evaluations"
FIXED = {"error": None, "created": NOW, "finished": NOW, "mode": "extract", "result": None, "id": "r1"}
SUMMARY = {
    "retrieval": {"recall@1": 0.5},
    "answers": {"contains": 0.25, "refusal_recall": None},
    "intervals": {"recall@1": [0.4, 0.6]},
    "latency_ms": {"stages": {}},
}


def _run(state: str = "done", **more: object) -> dict[str, object]:
    return {**FIXED, "state": state, "done": 2, "total": 8, "summary": None, "coverage": [], "risk": [], **more}


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.evaluation.runs import draw

    draw(visit_of(url), "handbook")


def _shown(fake: FakeService, run: dict[str, object]) -> None:
    fake.canned["GET", PLACE] = {"runs": [run]}
    fake.canned["GET", f"{PLACE}/r1"] = run
    fake.canned["GET", f"{PLACE}/r1/results"] = {"results": [], "total": 0}
    fake.canned["GET", "/api/v1/knowledge-bases/handbook/cases"] = {"cases": [], "total": 0}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_name_says_when_how_and_how_many(language: str) -> None:
    name = run_name(Say("zh" if language == "zh" else "en"), Run.model_validate(_run()))
    assert "2026-11-24" in name
    assert "8" in name


def test_numbers_with_their_intervals_and_none_that_was_not_measured(draw: Draw, fake: FakeService) -> None:
    _shown(fake, _run(summary=SUMMARY))
    page = draw(_script, fake.url)
    assert [metric.value for metric in page.metric] == ["50.0%", "25.0%"]
    assert "40%" in page.metric[0].delta
    assert "60%" in page.metric[0].delta
    assert len(page.success) == 1, "nothing went wrong"


def test_one_that_failed_says_why(draw: Draw, fake: FakeService) -> None:
    _shown(fake, _run("failed", error="The model is *away*."))
    page = draw(_script, fake.url)
    assert "\\*away\\*" in page.error[0].value
    assert not page.metric


def test_without_questions_nothing_can_be_started(draw: Draw, fake: FakeService) -> None:
    fake.canned["GET", PLACE] = {"runs": []}
    fake.canned["GET", "/api/v1/knowledge-bases/handbook/cases"] = {"cases": [], "total": 0}
    assert draw(_script, fake.url).button(key="start_run").disabled
