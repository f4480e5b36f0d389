"""Memory, disk and queues."""

import pytest

from tests.ui.conftest import said
from tests.ui.fake_service import FakeService
from tests.unit.webui.conftest import Draw
from webui.pages.system.screen import _gibibytes


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.system.screen import draw_status

    draw_status(visit_of(url))


@pytest.mark.parametrize(("size", "text"), [(0, "0.0 GiB"), (1 << 30, "1.0 GiB"), (1_610_612_736, "1.5 GiB")])
def test_bytes_are_shown_in_units_of_1024(size: int, text: str) -> None:
    assert _gibibytes(size) == text


def test_a_queue_of_another_kind_is_called_by_its_name(draw: Draw, fake: FakeService) -> None:
    queue = {"name": "own_queue", "running": 5, "waiting": 9, "places": 0}
    memory = {"process_bytes": 1 << 30, "free_bytes": 1 << 31}
    status = {"version": "1", "memory": memory, "disk_free_bytes": 0, "queues": [queue], "jobs": {}}
    fake.canned["GET", "/api/v1/system"] = status
    page = draw(_script, fake.url)
    assert "own_queue" in said(page)
    assert [metric.value for metric in page.metric] == ["1", "1.0 GiB", "2.0 GiB", "0.0 GiB"]


def test_what_the_service_refuses_is_said_in_its_place(draw: Draw, fake: FakeService) -> None:
    fake.refusals["GET", "/api/v1/system"] = (403, "forbidden", "Not for you.")
    page = draw(_script, fake.url)
    assert "Not for you" in page.error[0].value
