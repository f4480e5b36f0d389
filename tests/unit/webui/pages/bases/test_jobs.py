"""Jobs of a base: how far they are, how long they will take, what failed and why."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ui.conftest import said
from tests.ui.fake_service import FakeService, job
from tests.unit.webui.conftest import Draw
from webui.client.jobs import Job
from webui.pages.bases.jobs import _color, _when
from webui.shell.phrases import Say


def _made(state: str, passed: float = 0, **more: object) -> Job:
    created = (datetime.now(UTC) - timedelta(seconds=passed)).isoformat()
    return Job.model_validate({**job("ingest", state), "created": created, **more})


@pytest.mark.parametrize(
    ("passed", "done", "total", "text"),
    [
        (10, 1, 2, "10 s"),  # as long as the first half took
        (60, 1, 4, "3 min"),
        (30, 3, 4, "10 s"),
        (1, 99, 100, "1 s"),
    ],
)
def test_what_is_left_goes_by_the_rate_so_far(passed: float, done: int, total: int, text: str) -> None:
    found = _when(Say("en"), _made("running", passed, done=done, total=total))
    assert text in found


@pytest.mark.parametrize(("state", "done"), [("queued", 0), ("running", 0), ("cancelling", 3)])
def test_before_there_is_a_rate_nothing_is_promised(state: str, done: int) -> None:
    assert _when(Say("en"), _made(state, 5, done=done, total=9)) == ""


def test_one_that_is_over_says_when() -> None:
    assert "2026-11-24" in _when(Say("en"), _made("done"))


@pytest.mark.parametrize(
    ("state", "files", "color"),
    [
        ("done", {"done": 3}, "green"),
        ("done", {"done": 3, "failed": 1}, "orange"),
        ("failed", {}, "red"),
        ("running", {}, "blue"),
    ],
)
def test_colours(state: str, files: dict[str, int], color: str) -> None:
    assert _color(_made(state, files=files)) == color


def _script(url: str) -> None:
    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.pages.bases.jobs import draw_jobs

    shown = draw_jobs(visit_of(url), "handbook", ("ingest",), 2, with_done=False)
    st.text(f"shown {shown}")


def test_those_of_the_base_that_did_not_end_well_are_shown_with_their_reasons(draw: Draw, fake: FakeService) -> None:
    failed = {"name": "a*b.pdf", "size": 1, "state": "failed", "reason": "It is locked."}
    fake.jobs = [
        {**job("ingest", "failed", error="The disk is full."), "id": "j1", "files": {"failed": 1}, "details": [failed]},
        {**job("ingest", "failed"), "id": "j2", "knowledge_base": "other"},
        {**job("reindex", "failed"), "id": "j3"},
    ]
    page = draw(_script, fake.url)
    assert page.text[-1].value == "shown True"
    assert "It is locked" in said(page)
    assert "a\\*b\\.pdf" in said(page)
    assert [button.key for button in page.button] == ["retry_j1"]
    page.button(key="retry_j1").click().run()
    assert ("POST", "/api/v1/jobs/j1/retry", None) in fake.calls


def test_nothing_is_said_of_those_that_ended_well(draw: Draw, fake: FakeService) -> None:
    fake.jobs = [job("ingest")]
    assert draw(_script, fake.url).text[-1].value == "shown False"
