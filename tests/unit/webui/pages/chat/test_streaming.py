"""An answer while it comes."""

from tests.ui.fake_service import NOW, FakeService, turn
from tests.unit.webui.conftest import Draw


def _script(url: str, conversation: str) -> None:
    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.client.errors import ServiceError
    from webui.pages.chat.screen import stream_answer
    from webui.pages.chat.state import Asking, ChatState

    if "state" in st.session_state:
        state = st.session_state["state"]
        st.text(f"{state.conversation} {state.broken_off}")
        return
    state = st.session_state["state"] = ChatState(conversation or None)
    try:
        stream_answer(visit_of(url), state, Asking("How long?", ("handbook",), {"mode": "extract"}))
    except ServiceError as error:
        st.text(f"{error.code} {state.broken_off}")


def _settled(url: str, broken_off: bool) -> None:
    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.pages.chat.screen import settled
    from webui.pages.chat.state import ChatState

    visit = visit_of(url)
    state = ChatState("c1", broken_off=broken_off)
    found = settled(visit, state, visit.service.conversations.find("c1"))
    st.text(f"{len(found.messages)} {state.broken_off}")


def test_a_conversation_is_begun_and_shown_when_the_answer_has_ended(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url, "")
    assert page.text[0].value == "c1 False"
    assert fake.called("POST", "/api/v1/conversations") == [{"knowledge_bases": ["handbook"], "title": "How long?"}]
    (asked,) = fake.called("POST", "/api/v1/chat")
    expected = {"knowledge_bases": ["handbook"], "question": "How long?", "mode": "extract", "conversation_id": "c1"}
    assert asked == expected


def test_one_that_is_there_is_asked_in(draw: Draw, fake: FakeService) -> None:
    fake.conversations["c7"] = {
        "id": "c7",
        "knowledge_bases": ["handbook"],
        "title": "t",
        "created": NOW,
        "messages": [],
    }
    assert draw(_script, fake.url, "c7").text[0].value == "c7 False"
    assert not fake.called("POST", "/api/v1/conversations")


def test_an_answer_that_breaks_off_is_remembered_as_such(draw: Draw, fake: FakeService) -> None:
    fake.breaks_off = True
    assert draw(_script, fake.url, "").text[-1].value == "generation True"


def test_the_kept_answer_is_waited_for_if_one_was_broken_off(draw: Draw, fake: FakeService) -> None:
    messages = [turn(0, "user", "How long?"), turn(1, "assistant", "Seven")]
    fake.conversations["c1"] = {
        "id": "c1",
        "knowledge_bases": ["handbook"],
        "title": "t",
        "created": NOW,
        "messages": messages,
    }
    assert draw(_settled, fake.url, True).text[0].value == "2 False"
    asked = len(fake.calls)
    assert draw(_settled, fake.url, False).text[0].value == "2 False"
    assert len(fake.calls) == asked + 1
