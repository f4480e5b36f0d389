"""The evaluation page with a fake service."""

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.ui.conftest import Open, nodes, said, text
from tests.ui.fake_service import NOW, FakeService, job

PLACE = "/api/v1/knowledge-bases/handbook"
CASE = {"question": "Who?", "answers": ["Anna"], "documents": ["a.txt"], "answerable": True, "kind": "row", "parts": []}
METRICS = {"recall@1": 0.5, "recall@3": 0.75, "recall@5": 1.0, "recall@10": 1.0}
SUMMARY = {
    "retrieval": METRICS,
    "answers": {"contains": 0.5, "citation_precision": 1.0, "refusal_recall": None, "false_refusal": 0.0},
    "intervals": {"recall@1": [0.25, 0.75]},
    "latency_ms": {"stages": {"retrieve": {"p50": 10.0, "p95": 20.0}}},
}


def run(id_: str, state: str = "done") -> dict[str, Any]:
    """Return a run as the service lists it."""
    result = {"n": 2} if state == "done" else None
    made = {"id": id_, "state": state, "error": None, "created": NOW, "finished": NOW, "mode": "extract"}
    return {**made, "done": 1, "total": 2, "result": result}


def open_tab(screen: Open, title: str) -> AppTest:
    page = screen("evaluation")
    page.session_state["evaluation_handbook"] = next(tab.label for tab in page.tabs if title in tab.label)
    return page.run()


def test_questions_are_made_and_listed(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", f"{PLACE}/cases")] = {"cases": [{**CASE, "id": 7}], "total": 1}
    page = screen("evaluation")
    page.button[[button.label for button in page.button].index("Make questions")].click().run()
    assert fake.called("POST", f"{PLACE}/cases/make") == [{"answerable": 20, "unanswerable": 5, "seed": 1}]


def test_a_model_words_questions_as_a_job(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", f"{PLACE}/cases")] = {"cases": [], "total": 0}
    page = screen("evaluation")
    page.toggle[0].set_value(True)
    page.button[[button.label for button in page.button].index("Make questions")].click().run()
    assert fake.called("POST", f"{PLACE}/cases/write") == [{"answerable": 20, "unanswerable": 5, "seed": 0}]
    assert not fake.called("POST", f"{PLACE}/cases/make")
    fake.jobs.append(job("questions", "running", done=3, total=25))
    assert "questions by a model · 3 of 25" in said(page.run())


def test_a_key_that_may_only_read_makes_none(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", f"{PLACE}/cases")] = {"cases": [], "total": 0}
    fake.scope = "read"
    page = screen("evaluation")
    assert not page.button
    assert "No questions yet" in said(page)


def test_a_run_shows_its_numbers_and_what_went_wrong(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", f"{PLACE}/cases")] = {"cases": [], "total": 0}
    fake.canned[("GET", f"{PLACE}/evaluations")] = {"runs": [run("r1")]}
    fake.canned[("GET", f"{PLACE}/evaluations/r1")] = {
        **run("r1"),
        "summary": SUMMARY,
        "coverage": [1.0],
        "risk": [0.5],
    }
    failure = {"en": "the document was not found", "zh": "未检索到文档"}
    result = {
        "id": "7",
        "question": "Who?",
        "answers": ["Anna"],
        "answer": "Bert.",
        "refused": False,
        "confidence": 0.4,
    }
    fake.canned[("GET", f"{PLACE}/evaluations/r1/results")] = {"results": [{**result, "failure": failure}], "total": 1}
    page = open_tab(screen, "Runs")
    assert not page.exception
    metrics = {metric.label: metric.value for metric in page.metric}
    assert metrics["Right document first"] == "50.0%"
    assert "Refused when it should" not in metrics, "a metric that does not apply is not shown"
    assert "the document was not found" in said(page)
    assert text(nodes(page, "failed_r1_7")) == "Bert."


def test_a_run_that_ends_shows_its_numbers(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", f"{PLACE}/cases")] = {"cases": [], "total": 0}
    fake.canned[("GET", f"{PLACE}/evaluations/r1/results")] = {"results": [], "total": 0}
    put_run(fake, "running", None)
    page = open_tab(screen, "Runs")
    assert not page.metric
    put_run(fake, "done", SUMMARY)
    page.run()
    assert "Right document first" in {metric.label for metric in page.metric}


def put_run(fake: FakeService, state: str, summary: dict[str, Any] | None) -> None:
    fake.canned[("GET", f"{PLACE}/evaluations")] = {"runs": [run("r1", state)]}
    more: dict[str, Any] = {"summary": summary, "coverage": [], "risk": []}
    fake.canned[("GET", f"{PLACE}/evaluations/r1")] = {**run("r1", state), **more}


def test_two_runs_are_compared(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", f"{PLACE}/evaluations")] = {"runs": [run("r2"), run("r1"), run("r0", "running")]}
    difference = {"n": 2, "a": 0.5, "b": 0.9, "difference": 0.4, "low": 0.1, "high": 0.7, "verdict": "better"}
    compared = {"n": 2, "only_in_a": 0, "only_in_b": 0, "metrics": {"recall@1": difference}}
    fake.canned[("GET", f"{PLACE}/evaluations/r1/compare/r2")] = compared
    page = open_tab(screen, "Compare")
    assert not page.exception
    (row,) = page.dataframe[0].value.to_dict("records")
    assert (row["Metric"], row["Verdict"]) == ("Right document first", "better")
    assert row["Difference"] == "+0.400  [+0.100, +0.700]"
