"""What the chat page remembers, and what the browser's address says of it."""

from tests.unit.webui.conftest import Draw


def _script(address: str, go: str) -> None:
    import streamlit as st

    from webui.pages.chat.state import ask_later, chat_state

    if address and "begun" not in st.session_state:
        st.session_state["begun"] = True
        st.query_params["c"] = address
    state = chat_state()
    if go == "another":
        state.editing, state.files_base, state.broken_off = "m1", "temp-1", True
        state.open("c2")
    elif go == "new":
        state.open(None)
    elif go == "ask":
        ask_later("Who?", "notes")
    st.text(f"{state.conversation} {st.query_params.get('c')}")
    st.text(f"{state.editing} {state.files_base} {state.broken_off} {state.asking}")


def test_after_a_refresh_the_address_says_which_conversation_it_was(draw: Draw) -> None:
    assert draw(_script, "c1", "").text[0].value == "c1 c1"
    assert draw(_script, "", "").text[0].value == "None None"


def test_to_go_elsewhere_changes_the_address_and_leaves_nothing_half_done(draw: Draw) -> None:
    page = draw(_script, "c1", "another")
    assert [text.value for text in page.text] == ["c2 c2", "None None False None"]
    assert draw(_script, "c1", "new").text[0].value == "None None"


def test_a_question_from_another_page_opens_a_new_conversation(draw: Draw) -> None:
    page = draw(_script, "c1", "ask")
    assert page.text[0].value == "None None"
    assert "question='Who?', bases=('notes',)" in page.text[1].value
