"""An answer while it comes: each piece is shown at once, and the stop button works before the first one too."""

from time import monotonic
from typing import Any

import streamlit as st

from webui.parts.chat.messages import AVATARS, draw_text
from webui.parts.chat.state import Asking, ChatState
from webui.parts.visit import Visit
from webui.words import chat

_LOOKS = 10


def stream_answer(visit: Visit, state: ChatState, asking: Asking) -> None:
    """Ask, show the answer as it comes, and go on to the kept conversation."""
    say, service = visit.say, visit.service
    with st.chat_message("user", avatar=AVATARS["user"]):
        draw_text(asking.question, "asking")
    if state.conversation is None:
        state.conversation = service.conversations.begin(asking.base, asking.question[:200]).id
    body = {"knowledge_base": asking.base, "question": asking.question, **asking.options}
    with st.chat_message("assistant", avatar=AVATARS["assistant"]):
        text, status = st.empty(), st.empty()
        st.button(say(chat.STOP), icon=":material/stop_circle:", key="stop")
        _follow(visit, state, {**body, "conversation_id": state.conversation}, text, status)
    state.partial = ""
    st.rerun()


def _follow(visit: Visit, state: ChatState, body: dict[str, Any], text: Any, status: Any) -> None:  # noqa: ANN401 - st's
    say, began, found = visit.say, monotonic(), None
    state.partial = ""
    with visit.service.ask(body) as events:
        for event in events:
            if event.name == "retrieved":
                found = len(event.data["hits"])
            elif event.name == "token":
                state.partial += event.data["text"]
                text.text(state.partial + " ▌")
                continue
            seconds = round(monotonic() - began)
            if found is None:
                status.caption(say(chat.SEARCHING, seconds=seconds))
            else:
                status.caption(say(chat.THINKING, found=found, seconds=seconds))
