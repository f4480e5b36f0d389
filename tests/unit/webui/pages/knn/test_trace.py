"""An answer coloured by where its words came from."""

from tests.ui.conftest import nodes, said, text
from tests.ui.fake_service import FakeService
from tests.unit.webui.conftest import Draw

SOURCE = {"document": "a*b.txt", "chunk_id": 1, "start": 21, "mass": 0.4}
OWN = {"token": "It ", "lambda": 0.0, "mass": 0.0, "probability": 0.9, "entropy": 0.1, "decided": False, "sources": []}
GIVEN = {**OWN, "token": "owl", "lambda": 0.25, "mass": 0.4, "probability": 0.5, "decided": True, "sources": [SOURCE]}


def _script(url: str, trace: dict[str, object], chosen: int | None) -> None:
    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.client.traces import Trace
    from webui.pages.knn.trace import draw_trace

    if chosen is not None:
        st.session_state["token_t"] = chosen
    draw_trace(visit_of(url), "handbook", Trace.model_validate(trace), "t")


def _trace(**more: object) -> dict[str, object]:
    return {"keys": 1200, "decided": 1, "reason": None, "tokens": [OWN, GIVEN], **more}


def test_words_are_shown_as_they_are_and_lambda_along_them(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url, _trace(), None)
    shown = nodes(page, "tokens_t")
    assert text(shown) == "It owl"
    (box,) = shown
    assert [child["does"] for child in box["children"]] == ["0", "1"]
    assert "1,200" in said(page)
    assert len(page.get("vega_lite_chart")) == 1
    assert not fake.calls, "nothing was clicked"


def test_a_click_shows_where_a_word_came_from(draw: Draw, fake: FakeService) -> None:
    chunk = {"chunk_id": 1, "document": "a*b.txt", "page": None, "heading_path": [], "start": 10, "end": 50}
    place = "/api/v1/knowledge-bases/handbook/chunks/1"
    fake.canned["GET", place] = {**chunk, "text": "There: the owl sleeps in the barn"}
    page = draw(_script, fake.url, _trace(), 1)
    assert "a\\*b\\.txt" in said(page)
    assert "80%" in said(page)
    marks = [child for child in nodes(page, "neighbour_t_0")[0]["children"] if isinstance(child, dict)]
    assert "".join(map(text, marks)) == "owl"
    assert text(nodes(page, "neighbour_t_0")) == "There: the owl sleeps in the barn"


def test_a_word_of_the_models_own_has_no_neighbours(draw: Draw, fake: FakeService) -> None:
    draw(_script, fake.url, _trace(), 0)
    assert not fake.calls


def test_a_passage_that_is_gone_costs_only_its_text(draw: Draw, fake: FakeService) -> None:
    fake.refusals["GET", "/api/v1/knowledge-bases/handbook/chunks/1"] = (404, "not_found", "No.")
    assert "a\\*b\\.txt" in said(draw(_script, fake.url, _trace(), 1))


def test_why_no_neighbours_were_asked_is_said(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url, _trace(tokens=[], reason="There is *no* datastore."), None)
    assert "\\*no\\*" in page.info[0].value
    assert not page.get("vega_lite_chart")
