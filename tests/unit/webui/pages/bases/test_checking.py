"""Why a passage was not found."""

from tests.ui.conftest import said
from tests.ui.fake_service import FakeService, hit
from tests.unit.webui.conftest import Draw

_EXPLAINED = {
    "chunk_id": 1,
    "document": "device.txt",
    "stages": [{"stage": "dense", "rank": 2, "score": 0.5}, {"stage": "lexical", "rank": None, "score": None}],
    "limits": [{"limit": "results", "value": 5, "passed": True}, {"limit": "threshold", "value": 0.3, "passed": False}],
}


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.bases.checking import draw

    visit = visit_of(url)
    draw(visit, visit.service.bases.all()[0])


def test_a_passage_is_followed_through_the_search(draw: Draw, fake: FakeService) -> None:
    fake.add_document("device.txt")
    place = "/api/v1/knowledge-bases/handbook"
    fake.canned["GET", f"{place}/documents/1/chunks"] = {"chunks": [hit()], "total": 1}
    fake.canned["POST", f"{place}/explain"] = _EXPLAINED
    page = draw(_script, fake.url)
    assert page.button[0].disabled, "there is no question yet"
    page.text_input[0].set_value("  What colour? ").run()
    page.button[0].click().run()
    assert fake.called("POST", f"{place}/explain") == [{"question": "What colour?", "chunk_id": 1, "k": 5}]
    assert list(page.dataframe[0].value.iloc[:, 1]) == ["2", "not found"]
    assert ":green[" in said(page)
    assert ":red[" in said(page)


def test_a_base_without_documents_has_nothing_to_check(draw: Draw, fake: FakeService) -> None:
    fake.add_document("broken.txt", state="failed")
    page = draw(_script, fake.url)
    assert len(page.info) == 1
    assert not page.text_input
