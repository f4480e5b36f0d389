"""Which base is looked after."""

from tests.ui.conftest import said
from tests.ui.fake_service import FakeService
from tests.unit.webui.conftest import Draw


def _script(url: str, go: str) -> None:
    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.pages.bases.choosing import choose_base, go_to

    if go and "gone" not in st.session_state:
        st.session_state["gone"] = True
        go_to(go)
    chosen = choose_base(visit_of(url))
    st.text(chosen.name if chosen else "none")


def test_the_first_one_is_chosen_until_another_is(draw: Draw, fake: FakeService) -> None:
    fake.add_base("*notes*")
    page = draw(_script, fake.url, "")
    assert page.text[0].value == "handbook"
    assert page.radio[0].options == ["handbook", "\\*notes\\*"]
    page.radio[0].set_value("*notes*").run()
    assert page.text[0].value == "*notes*"


def test_one_that_was_just_made_is_gone_to(draw: Draw, fake: FakeService) -> None:
    fake.add_base("notes")
    assert draw(_script, fake.url, "notes").text[0].value == "notes"
    assert draw(_script, fake.url, "never made").text[0].value == "handbook"


def test_who_may_not_make_bases_is_not_offered_to(draw: Draw, fake: FakeService) -> None:
    assert {button.key for button in draw(_script, fake.url, "").button} == {"new_base", "import_base"}
    fake.scope = "write"
    assert not draw(_script, fake.url, "").button


def test_where_there_is_none_it_is_said(draw: Draw, fake: FakeService) -> None:
    fake.bases.clear()
    page = draw(_script, fake.url, "")
    assert page.text[0].value == "none"
    assert len(said(page).splitlines()) >= 2
