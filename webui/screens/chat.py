"""Chat with documents."""

import streamlit as st

from webui.client.bases import Base
from webui.client.conversations import ConversationDetail
from webui.client.errors import NotThere
from webui.client.service import Service
from webui.inert.labels import plain
from webui.parts.chat.conversation_list import draw_conversations
from webui.parts.chat.messages import draw_messages
from webui.parts.chat.panel import Panel, draw_panel
from webui.parts.chat.searching import draw_search
from webui.parts.chat.state import Asking, ChatState, chat_state
from webui.parts.chat.streaming import stream_answer
from webui.parts.visit import Visit
from webui.words import chat, common

_EXAMPLES = 4


def draw(visit: Visit) -> None:
    """Draw the page."""
    state = chat_state()
    bases = visit.service.bases.all()
    conversation = _kept(visit, state)
    with visit.side:
        draw_conversations(visit, state)
        panel = draw_panel(visit, bases) if bases else None
    if panel is None:
        _draw_no_base(visit)
        return
    asked = st.chat_input(visit.say(chat.ASK), key="question", max_chars=8000)
    if asked:
        state.asking = Asking(asked, conversation.knowledge_base if conversation else panel.bases[0], panel.options)
    _draw_middle(visit, state, panel, bases, conversation)


def _draw_middle(
    visit: Visit, state: ChatState, panel: Panel, bases: list[Base], conversation: ConversationDetail | None
) -> None:
    hello = st.empty()  # cleared at once when there is a conversation, not only when its answer is there
    if conversation is not None:
        draw_messages(visit, state, conversation)
    elif state.asking is None:
        with hello.container():
            _draw_hello(visit, state, panel, bases)
    asking, state.asking = state.asking, None
    if asking is None:
        return
    if panel.mode == "search":
        draw_search(visit, panel, asking.question)
    else:
        stream_answer(visit, state, Asking(asking.question, asking.base, panel.options))


def _kept(visit: Visit, state: ChatState) -> ConversationDetail | None:
    if state.conversation is None:
        return None
    try:
        return visit.service.conversations.find(state.conversation)
    except NotThere:
        state.open(None)
        return None


def _draw_hello(visit: Visit, state: ChatState, panel: Panel, bases: list[Base]) -> None:
    say = visit.say
    st.space("medium")
    st.header(say(chat.HELLO), anchor=False)
    st.write(say(chat.HELLO_MORE))
    base = next(one for one in bases if one.name == panel.bases[0])
    if not base.documents:
        st.info(say(chat.EMPTY_BASE, base=plain(base.name)), icon=":material/inbox:")
        return
    _draw_examples(visit, state, base)


def _draw_examples(visit: Visit, state: ChatState, base: Base) -> None:
    questions = _examples(visit.service, base.name, base.chunks)
    if not questions:
        return
    st.caption(visit.say(chat.EXAMPLES))
    for place, question in enumerate(questions):
        if st.button(plain(question), key=f"example_{place}", icon=":material/arrow_outward:"):
            state.asking = Asking(question, base.name)
            st.rerun()


@st.cache_data(ttl=600, show_spinner=False, max_entries=500)
def _examples(_service: Service, base: str, chunks: int) -> list[str]:  # noqa: ARG001 - other chunks, other questions
    return _service.bases.questions(base, _EXAMPLES)


def _draw_no_base(visit: Visit) -> None:
    say = visit.say
    st.header(say(common.NO_BASE), anchor=False)
    st.write(say(common.NO_BASE_ADMIN if visit.me.may_create else common.NO_BASE_READER))
