"""The questions of a base and runs over them, as the page handles them."""

import time

import pytest

from tests.unit.webui.client.conftest import put
from webui.client.errors import NotThere
from webui.client.evaluations import Case, Evaluations, RunDetail
from webui.client.service import Service


def _over(evaluations: Evaluations, run_id: str) -> RunDetail:
    deadline = time.monotonic() + 60
    while not (found := evaluations.run(run_id)).over and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_cases_are_kept_changed_made_and_dropped(service: Service, base: str) -> None:
    put(service, base, **{"a.txt": "The owl of Barovia was built in 1894 by 300 workers. It opened in 1901."})
    evaluations = service.evaluations(base)
    evaluations.keep(Case(question="Who built the owl?", answers=("workers",), documents=("a.txt",)))
    (case,) = evaluations.cases()
    assert (case.question, case.answers, case.answerable) == ("Who built the owl?", ("workers",), True)
    evaluations.keep(case.model_copy(update={"question": "Who paid?", "answers": (), "answerable": False}))
    (changed,) = evaluations.cases()
    assert (changed.id, changed.question, changed.answerable) == (case.id, "Who paid?", False)
    evaluations.drop(changed.id or 0)
    assert evaluations.cases() == []
    with pytest.raises(NotThere):
        evaluations.drop(changed.id or 0)
    evaluations.make_cases(1, 0, seed=1)
    assert all(one.documents == ("a.txt",) for one in evaluations.cases())


def test_a_run_is_started_read_compared_and_deleted(service: Service, base: str) -> None:
    put(service, base, **{"device.txt": "To reset the device, hold the red button for seven seconds."})
    evaluations = service.evaluations(base)
    evaluations.keep(Case(question="How do I reset the device?", answers=("hold the red button",)))
    evaluations.keep(Case(question="Who is the mayor of Oslo?", answerable=False))
    first = _over(evaluations, evaluations.start("extract").id)
    assert (first.state, first.mode, first.done, first.total) == ("done", "extract", 2, 2)
    assert first.summary
    assert first.result
    assert len(first.coverage) == len(first.risk)
    assert [run.id for run in evaluations.runs()] == [first.id]
    failures, count = evaluations.failures(first.id, 10)
    assert len(failures) == count <= 2
    assert b"<html" in evaluations.report(first.id)
    compared = evaluations.compare(first.id, first.id)
    assert (compared.n, compared.only_in_a, compared.only_in_b) == (2, 0, 0)
    assert all(metric.difference == 0 for metric in compared.metrics.values())
    evaluations.delete(first.id)
    assert evaluations.runs() == []
