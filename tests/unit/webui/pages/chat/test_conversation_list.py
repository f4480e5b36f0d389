"""The conversations: found, opened, deleted."""

from tests.ui.fake_service import NOW, FakeService
from tests.unit.webui.conftest import Draw


def _script(url: str, here: str) -> None:
    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.pages.chat.conversation_list import draw_conversations
    from webui.pages.chat.state import ChatState

    state = st.session_state.setdefault("state", ChatState(here))
    draw_conversations(visit_of(url), state)
    st.text(str(state.conversation))


def _add(fake: FakeService, id_: str, title: str) -> None:
    fixed = {"knowledge_bases": ["handbook"], "created": NOW, "messages": []}
    fake.conversations[id_] = {"id": id_, "title": title, **fixed}


def test_titles_are_shown_as_they_are_and_the_open_one_stands_out(draw: Draw, fake: FakeService) -> None:
    _add(fake, "c1", "About *resets* and what they do to all the things that were measured")
    _add(fake, "c2", "[x](y)")
    page = draw(_script, fake.url, "c2")
    labels = {button.key: button.label for button in page.button}
    assert labels["open_c1"].startswith("About \\*resets\\*")
    assert labels["open_c1"].endswith("…")
    assert labels["open_c2"] == "**\\[x\\]\\(y\\)**"
    page.button(key="open_c1").click().run()
    assert page.text[0].value == "c1"
    page.button(key="new_chat").click().run()
    assert page.text[0].value == "None"


def test_what_is_not_found_is_said(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url, "")
    assert not page.caption, "there are none, and nothing was looked for"
    page.text_input[0].set_value("owl").run()
    assert len(page.caption) == 1
