"""Which documents a question looks in, as the request has it."""

import json
from datetime import date
from typing import Any

import pytest

from tests.ui.fake_service import FakeService
from tests.unit.webui.conftest import Draw


def _script(url: str) -> None:
    import json

    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.pages.chat.panel import draw_narrowing

    st.cache_data.clear()
    visit = visit_of(url)
    st.text(json.dumps(draw_narrowing(visit, visit.service.bases.all(), "x_")))


def _only(page: Any) -> Any:  # noqa: ANN401 - parsed JSON
    return json.loads(page.text[0].value)


@pytest.fixture(autouse=True)
def _documents(fake: FakeService) -> None:
    fake.add_document("owl.pdf", tags=["birds"])
    fake.add_document("cat.txt", pages=None)
    fake.add_document("broken.txt", state="failed")


def test_nothing_chosen_narrows_nothing(draw: Draw, fake: FakeService) -> None:
    assert _only(draw(_script, fake.url)) == {}


def test_files_that_are_searched_and_tags_that_are_there_can_be_chosen(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    files, tags = page.multiselect
    assert (files.options, tags.options) == (["owl.pdf", "cat.txt"], ["birds"])
    files.set_value(["cat.txt"])
    tags.set_value(["birds"]).run()
    assert _only(page) == {"documents": ["cat.txt"], "tags": ["birds"]}


def test_days_begin_and_end_at_midnight_and_the_last_one_counts(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    page.date_input[0].set_value(date(2024, 2, 28))
    page.date_input[1].set_value(date(2024, 2, 28)).run()
    only = _only(page)
    assert only["since"].startswith("2024-02-28T00:00:00")
    assert only["until"].startswith("2024-02-29T00:00:00")


@pytest.mark.parametrize(
    ("first", "last", "pages"), [(3, 5, [3, 5]), (5, 3, [3, 5]), (3, None, [3, 1_000_000]), (None, 5, [1, 5])]
)
def test_an_end_that_is_left_open_is_the_documents_own(
    draw: Draw, fake: FakeService, first: int | None, last: int | None, pages: list[int]
) -> None:
    page = draw(_script, fake.url)
    page.number_input[0].set_value(first)
    page.number_input[1].set_value(last).run()
    assert _only(page) == {"pages": pages}


def test_pages_are_not_asked_for_where_no_document_has_any(draw: Draw, fake: FakeService) -> None:
    fake.documents = fake.documents[1:]
    assert not draw(_script, fake.url).number_input


def test_where_there_are_too_many_files_for_a_list_a_folder_is_named(draw: Draw, fake: FakeService) -> None:
    fake.bases[0]["documents"] = 5000
    page = draw(_script, fake.url)
    page.text_input[0].set_value(" birds/owls ").run()
    assert _only(page) == {"folder": "birds/owls"}
    assert page.number_input, "it is not known whether they have pages"


def test_of_several_bases_no_files_are_offered(draw: Draw, fake: FakeService) -> None:
    fake.add_base("notes")
    assert [len(each.options) for each in draw(_script, fake.url).multiselect] == [1]
