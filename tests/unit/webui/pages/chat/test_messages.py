"""The messages of a conversation."""

import pytest

from tests.ui.conftest import nodes, said, text
from tests.ui.fake_service import QUOTE, FakeService, answer, turn
from tests.unit.webui.conftest import Draw


def _script(url: str, messages: list[dict[str, object]]) -> None:
    import streamlit as st

    from tests.unit.webui.drawing import visit_of
    from webui.client.conversations import ConversationDetail
    from webui.pages.chat.messages import draw_messages
    from webui.pages.chat.state import ChatState

    state = st.session_state.setdefault("state", ChatState("c1"))
    fixed = {"id": "c1", "knowledge_bases": ["handbook"], "title": "t", "created": "2026-11-24T10:00:00Z"}
    draw_messages(visit_of(url), state, ConversationDetail.model_validate({**fixed, "messages": messages}))
    if state.asking:
        st.text(f"asking {state.asking.question} of {state.asking.bases}")


def _messages(**more: object) -> list[dict[str, object]]:
    reply = {**turn(1, "assistant", f"{QUOTE}[1]"), "answer": answer(), **more}
    return [turn(0, "user", "<b>How</b> *long*?"), reply]


def test_questions_and_answers_are_shown_as_they_were_written(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url, _messages())
    assert [message.name for message in page.chat_message] == ["user", "assistant"]
    assert text(nodes(page, "text_m0")) == "<b>How</b> *long*?"
    assert QUOTE in text(nodes(page, "answer_m1"))
    assert "0.3" in said(page), "seconds in all"


def test_an_answer_that_was_stopped_says_so_and_cannot_be_rated(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url, _messages(complete=False, answer=None, content="Half an"))
    assert text(nodes(page, "text_m1")) == "Half an"
    assert ":material/stop_circle:" in said(page)
    assert not page.feedback


def test_what_is_doubtful_and_noted_is_said(draw: Draw, fake: FakeService) -> None:
    doubtful = answer(supported=False, notes=["Two *passages* did not fit."], reasoning="Because.")
    page = draw(_script, fake.url, _messages(answer=doubtful))
    assert ":orange[" in said(page)
    assert "Two \\*passages\\*" in said(page)
    assert text(nodes(page, "reasoning_m1")) == "Because."


@pytest.mark.parametrize("key", ["again_m1", "edit_m0"])
def test_the_last_answer_is_made_again_and_a_question_is_edited(draw: Draw, fake: FakeService, key: str) -> None:
    page = draw(_script, fake.url, _messages())
    page.button(key=key).click().run()
    if key == "edit_m0":
        page.text_area[0].set_value(" Who? ")
        next(button for button in page.button if button.key is None or "FormSubmitter" in button.key).click().run()
        assert page.text[-1].value == "asking Who? of ('handbook',)"
    else:
        assert page.text[-1].value == "asking <b>How</b> *long*? of ('handbook',)"
    assert ("DELETE", "/api/v1/conversations/c1/messages/m0", None) in fake.calls


def test_steps_of_an_agent_with_long_results_cut(draw: Draw, fake: FakeService) -> None:
    steps = [
        {"number": 1, "tool": "search", "arguments": {"question": "x"}, "result": "r" * 900},
        {"number": 2, "tool": "calculate", "arguments": {}, "result": None},
    ]
    page = draw(_script, fake.url, _messages(answer=answer(steps=steps)))
    shown = [each.value for each in page.text]
    assert shown[0] == "1. search(question='x')"
    assert len(shown[1]) == 500
    assert shown[2] == "2. calculate()"
