"""Jobs: how far they are."""

import pytest

from tests.unit.webui.client.conftest import put
from webui.client.errors import NotThere, ServiceError
from webui.client.jobs import Job
from webui.client.service import Service

_FIELDS = {"id": "1", "knowledge_base": "b", "error": None, "created": "2026-11-24T10:00:00Z", "finished": None}


def _job(state: str = "running", **more: object) -> Job:
    return Job.model_validate({**_FIELDS, "state": state, "files": {}, **more})


@pytest.mark.parametrize(
    ("state", "over"),
    [
        ("queued", False),
        ("running", False),
        ("cancelling", False),
        ("done", True),
        ("failed", True),
        ("cancelled", True),
    ],
)
def test_when_nothing_more_will_happen(state: str, over: bool) -> None:
    assert _job(state).over is over


def test_files_are_counted_or_else_steps() -> None:
    files = _job(files={"queued": 2, "done": 3, "failed": 1, "cancelled": 0}, done=77, total=99)
    assert (files.total, files.settled) == (6, 4)
    steps = _job(kind="reindex", done=7, total=10)
    assert (steps.total, steps.settled) == (10, 7)


def test_the_newest_comes_first_and_one_has_its_files(service: Service, base: str) -> None:
    first, second = put(service, base, **{"a.txt": "One."}), put(service, base, **{"b.txt": "Two."})
    assert [one.id for one in service.jobs.latest(2)] == [second.id, first.id]
    assert service.jobs.latest(2)[0].details == ()
    (file,) = service.jobs.find(first.id).details
    assert (file.name, file.size, file.state, file.reason) == ("a.txt", 4, "done", None)


def test_one_that_is_over_is_neither_stopped_nor_tried_again(service: Service, base: str) -> None:
    job = put(service, base, **{"a.txt": "One."})
    with pytest.raises(ServiceError):
        service.jobs.retry(job.id)
    with pytest.raises(NotThere):
        service.jobs.find("0" * 32)
