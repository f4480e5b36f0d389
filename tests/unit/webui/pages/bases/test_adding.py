"""Adding documents, and how that fares."""

from tests.ui.conftest import said
from tests.ui.fake_service import FakeService, job
from tests.unit.webui.conftest import Draw

PLACE = "/api/v1/knowledge-bases/handbook"


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.bases.adding import draw

    visit = visit_of(url)
    draw(visit, visit.service.bases.all()[0])


def test_a_page_of_the_web_is_fetched(draw: Draw, fake: FakeService) -> None:
    fake.canned["POST", f"{PLACE}/pages"] = {**job("fetch", "queued"), "files": {"queued": 1}}
    page = draw(_script, fake.url)
    page.number_input[0].set_value(2)
    page.text_input[0].set_value("  https://example.org/ ")
    page.button[0].click().run()
    assert fake.called("POST", f"{PLACE}/pages") == [{"addresses": ["https://example.org/"], "depth": 2}]


def test_nothing_is_fetched_without_an_address(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    page.text_input[0].set_value("   ")
    page.button[0].click().run()
    assert not fake.called("POST", f"{PLACE}/pages")


def test_a_refusal_is_said(draw: Draw, fake: FakeService) -> None:
    fake.refusals["POST", f"{PLACE}/pages"] = (422, "usage", "That address is *private*.")
    page = draw(_script, fake.url)
    page.text_input[0].set_value("http://127.0.0.1")
    page.button[0].click().run()
    assert "\\*private\\*" in page.error[0].value


def test_who_may_only_read_sees_the_jobs(draw: Draw, fake: FakeService) -> None:
    fake.scope = "read"
    page = draw(_script, fake.url)
    assert not page.text_input
    assert len(page.caption) == 1, "there are no jobs"
    fake.jobs = [job("ingest")]
    fake.canned["GET", "/api/v1/jobs/ingest-job"] = fake.jobs[0]
    assert "0 of 0" in said(draw(_script, fake.url))
