"""The latest jobs of all bases."""

import pytest

from tests.ui.fake_service import FakeService, job
from tests.unit.webui.conftest import Draw
from webui.client.jobs import Job
from webui.pages.system.screen import _progress


@pytest.mark.parametrize(
    ("more", "progress"),
    [
        ({"files": {"done": 3, "queued": 1}}, 0.75),
        ({"done": 2, "total": 8}, 0.25),
        ({"state": "done"}, 1.0),
        ({"state": "queued"}, 0.0),
    ],
)
def test_how_far_one_is(more: dict[str, object], progress: float) -> None:
    assert _progress(Job.model_validate({**job("ingest", "running"), **more})) == progress


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.system.screen import draw_jobs

    draw_jobs(visit_of(url))


def test_a_table_newest_first_and_of_kinds_that_are_not_known_too(draw: Draw, fake: FakeService) -> None:
    fake.jobs = [job("brand_new", error="Away."), job("ingest")]
    table = draw(_script, fake.url).dataframe[0].value
    assert table.iloc[0, 0] == "brand_new"
    assert list(table.iloc[:, -1]) == ["Away.", ""]


def test_none_is_said(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    assert (len(page.caption), len(page.dataframe)) == (1, 0)
