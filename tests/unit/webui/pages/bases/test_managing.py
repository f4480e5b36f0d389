"""A base as a whole: cut anew, other models and stores, deleted."""

import pytest

from tests.ui.fake_service import FakeService
from tests.unit.webui.conftest import Draw

PLACE = "/api/v1/knowledge-bases/handbook"


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.bases.managing import draw

    visit = visit_of(url)
    draw(visit, visit.service.bases.all()[0])


def test_a_base_is_deleted_only_when_its_name_is_typed(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    field = page.text_input(key="delete_name_handbook")
    assert page.button(key="delete_base").disabled
    field.set_value("handboo").run()
    assert page.button(key="delete_base").disabled
    field.set_value(" handbook ").run()
    page.button(key="delete_base").click().run()
    assert ("DELETE", PLACE, None) in fake.calls


def test_it_is_cut_as_it_is_until_that_is_changed(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    size, overlap = page.number_input
    assert (size.value, overlap.value) == (300, 40)
    size.set_value(100)
    overlap.set_value(100).run()
    assert page.button(key="cut").disabled, "chunks would never end"
    overlap.set_value(10).run()
    page.button(key="cut").click().run()
    splitting = {"size": 100, "overlap": 10, "by": "sentences"}
    assert fake.called("POST", f"{PLACE}/reindex") == [{"splitting": splitting, "drop_edits": False}]


def test_a_record_needs_what_begins_it(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    page.selectbox(key="cut_by_handbook").set_value("delimiter").run()
    page.text_input(key="cut_delimiter_handbook").set_value("Q:").run()
    page.button(key="cut").click().run()
    (sent,) = fake.called("POST", f"{PLACE}/reindex")
    assert (sent["splitting"]["by"], sent["splitting"]["delimiter"]) == ("delimiter", "Q:")


def test_other_stores_and_other_embedders_are_offered(draw: Draw, fake: FakeService) -> None:
    model = {"chosen": False, "loaded": False}
    fake.embedders = [{"name": "MiniLM", **model}, {"name": "bge", **model}]
    page = draw(_script, fake.url)
    assert page.selectbox(key="store_handbook").options == ["milvus", "annoy"]
    assert page.selectbox(key="embedder_handbook").options == ["bge"]
    page.button(key="migrate").click().run()
    page.button(key="reindex").click().run()
    assert fake.called("POST", f"{PLACE}/migrate") == [{"store": "milvus"}]
    assert fake.called("POST", f"{PLACE}/reindex") == [{"embedder": "bge"}]


@pytest.mark.parametrize(("scope", "buttons"), [("read", 0), ("write", 0)])
def test_who_may_not_is_offered_nothing(draw: Draw, fake: FakeService, scope: str, buttons: int) -> None:
    fake.scope = scope
    page = draw(_script, fake.url)
    assert len(page.button) == buttons
    assert len(page.info) == (scope == "read")
