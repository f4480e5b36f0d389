"""The messages of a conversation, and what can be done with each."""

from collections.abc import Sequence

import streamlit as st

from webui.client.answers import Answer, Step
from webui.client.conversations import ConversationDetail, Turn
from webui.pages.chat import words as chat
from webui.pages.chat.sources import draw_hits, open_citation
from webui.pages.chat.state import Asking, ChatState
from webui.pages.knn.trace import draw_trace
from webui.safe.answers import answer_nodes
from webui.safe.component import show
from webui.safe.labels import plain, shortened
from webui.safe.nodes import lines
from webui.shell import troubles
from webui.shell import words as common
from webui.shell.phrases import Say
from webui.shell.visit import Visit

AVATARS = {"user": ":material/person:", "assistant": ":material/menu_book:"}


def draw_messages(visit: Visit, state: ChatState, conversation: ConversationDetail) -> None:
    """Draw all messages; the last answer can be made again, each question edited."""
    turns = conversation.messages
    for place, turn in enumerate(turns):
        with st.chat_message(turn.role, avatar=AVATARS[turn.role]):
            if turn.role == "user":
                _draw_question(visit, state, conversation, turn)
            else:
                question = turns[place - 1] if place else None
                _draw_answer(visit, state, conversation, turn, question if turn is turns[-1] else None)


def draw_text(text: str, key: str) -> None:
    """Show what somebody wrote, as it is."""
    show(lines(text) or [""], key=key)


def _draw_question(visit: Visit, state: ChatState, conversation: ConversationDetail, turn: Turn) -> None:
    say = visit.say
    if state.editing != turn.id:
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            draw_text(turn.content, f"text_{turn.id}")
            if st.button("", icon=":material/edit:", key=f"edit_{turn.id}", type="tertiary", help=say(chat.EDIT)):
                state.editing = turn.id
                st.rerun()
        return
    with st.form(f"editing_{turn.id}", border=False):
        text = st.text_area(say(chat.EDIT), turn.content, label_visibility="collapsed", max_chars=8000)
        with st.container(horizontal=True):
            ask = st.form_submit_button(say(chat.ASK_AGAIN), type="primary")
            leave = st.form_submit_button(say(common.CANCEL))
    if leave or (ask and text.strip()):
        state.editing = None
        if ask:
            ask_from(visit, state, conversation, turn, text.strip())
        st.rerun()


def ask_from(visit: Visit, state: ChatState, conversation: ConversationDetail, turn: Turn, question: str) -> None:
    """Take a conversation back to before a question, and ask another one there."""
    visit.service.conversations.take_back(conversation.id, turn.id)
    state.asking = Asking(question, conversation.knowledge_bases)


def _draw_answer(
    visit: Visit, state: ChatState, conversation: ConversationDetail, turn: Turn, last_question: Turn | None
) -> None:
    say, backed = visit.say, turn.backed
    if backed is None:
        draw_text(turn.content, f"text_{turn.id}")
    else:
        draw_backed(visit, conversation.knowledge_bases[0], backed, turn.id)
    if not turn.complete:
        st.caption(f":material/stop_circle: {say(chat.UNFINISHED)}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if turn.complete:
            _draw_feedback(visit, turn)
        if last_question is not None and st.button(
            say(chat.REGENERATE), icon=":material/refresh:", type="tertiary", key=f"again_{turn.id}"
        ):
            ask_from(visit, state, conversation, last_question, last_question.content)
            st.rerun()
        if backed is not None:
            st.caption(_times(say, backed))


def draw_backed(visit: Visit, base: str, answer: Answer, key: str) -> None:
    """Draw an answer with its citations, what was found, and what is doubtful."""
    say = visit.say
    if answer.reasoning:
        with st.expander(say(chat.REASONING), icon=":material/psychology:"):
            draw_text(answer.reasoning, f"reasoning_{key}")
    if answer.steps:
        with st.expander(say(chat.STEPS, n=len(answer.steps)), icon=":material/construction:"):
            draw_steps(answer.steps)
    _draw_cited(visit, base, answer, key)
    doubtful = sum(not citation.supported for citation in answer.citations)
    if doubtful:
        st.caption(f":orange[:material/report: {say(chat.DOUBTS, n=doubtful)}]")
    for note in answer.notes:
        st.caption(f":material/info: {plain(note)}")
    if answer.knn_lm is not None:
        with st.expander(say(chat.ORIGINS), icon=":material/hub:"):
            draw_trace(visit, base, answer.knn_lm, key)
    draw_hits(say, answer.hits, f"hits_{key}")


@st.fragment  # so that a click on a citation draws no more than its source, and asks the service for no more
def _draw_cited(visit: Visit, base: str, answer: Answer, key: str) -> None:
    say = visit.say
    opened = show(answer_nodes(answer, say(chat.OPEN_SOURCE), say(chat.DOUBT)), key=f"answer_{key}")
    if opened:
        with troubles.shown(say):
            open_citation(visit, base, answer, int(opened))


def draw_steps(steps: Sequence[Step]) -> None:
    """Show what an agent did."""
    for step in steps:
        st.text(f"{step.number}. {step.call}")
        if step.result is not None:
            st.text(shortened(step.result, 500))


def _draw_feedback(visit: Visit, turn: Turn) -> None:
    known = None if turn.score is None else int(turn.score >= 50)
    thumb = st.feedback("thumbs", key=f"thumb_{turn.id}", default=known)
    if thumb is None:
        return
    if thumb != known:
        visit.service.conversations.rate(turn.id, 100 * thumb, turn.reason or "")
    _draw_why(visit, turn, thumb)


def _draw_why(visit: Visit, turn: Turn, thumb: int) -> None:
    """Ask for the reason of a thumb: 1 is up, 0 down."""
    say = visit.say
    title = say(chat.WHY_GOOD if thumb else chat.WHY_BAD)
    with st.popover(title, type="tertiary"), st.form(f"why_{turn.id}", border=False):
        reason = st.text_area(title, turn.reason or "", max_chars=4000, height=100)
        if st.form_submit_button(say(chat.SEND)):
            visit.service.conversations.rate(turn.id, 100 * thumb, reason.strip())
            st.toast(say(chat.THANKS), icon=":material/check:")


def _times(say: Say, answer: Answer) -> str:
    times = answer.timings_ms
    model = plain(answer.model) if answer.model else say(chat.QUOTED)
    return say(
        chat.TIMES, model=model, retrieve=round(times.get("retrieve", 0)), total=f"{times.get('total', 0) / 1000:.1f}"
    )
