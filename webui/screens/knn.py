"""kNN-LM: ask with it, and see where each word came from."""

from typing import Any

import streamlit as st

from webui.client.answers import Answer
from webui.parts import troubles
from webui.parts.bases.choosing import choose_base
from webui.parts.chat.messages import draw_backed
from webui.parts.knn.building import draw_building
from webui.parts.knn.trace import draw_trace
from webui.parts.visit import Visit
from webui.words import knn as words

_ASKED = "knn_asked"


def draw(visit: Visit) -> None:
    """Draw the page."""
    say, base = visit.say, choose_base(visit, may_make=False)
    if base is None:
        return
    st.header(say(words.TITLE), anchor=False)
    st.write(say(words.MORE))
    if not draw_building(visit, base):
        return
    body = _draw_form(visit, base.name)
    if body is not None:
        st.session_state.pop(_ASKED, None)
        with troubles.shown(say), st.spinner(say(words.WRITING)):
            st.session_state[_ASKED] = (base.name, visit.service.answer(body))
    asked: tuple[str, Answer] | None = st.session_state.get(_ASKED)
    if asked is not None and asked[0] == base.name:
        _draw_answer(visit, *asked)


def _draw_form(visit: Visit, base: str) -> dict[str, Any] | None:
    """Return what to ask once the form is sent."""
    say = visit.say
    with st.form(f"knn_{base}", border=True):
        question = st.text_input(say(words.QUESTION), max_chars=8000)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
            weight = st.select_slider(
                say(words.WEIGHT),
                [None, *(step / 10 for step in range(1, 10))],
                format_func=lambda one: say(words.BY_DISTANCE) if one is None else f"{one:.1f}",
                width=260,
            )
            scope = st.segmented_control(
                say(words.SCOPE),
                list(words.SCOPES),
                format_func=lambda one: say(words.SCOPES[one]),
                default="retrieved",
                required=True,
                width="content",
            )
        closed = st.toggle(say(words.CLOSED_BOOK), help=say(words.CLOSED_BOOK_HELP))
        if not st.form_submit_button(say(words.ASK), type="primary", icon=":material/send:") or not question.strip():
            return None
    options = {"scope": scope, "closed_book": closed, **({} if weight is None else {"lambda": weight})}
    return {"knowledge_base": base, "question": question.strip(), "mode": "generate", "knn_lm": options}


def _draw_answer(visit: Visit, base: str, answer: Answer) -> None:
    if answer.knn_lm is not None:
        draw_trace(visit, base, answer.knn_lm, "knn")
    draw_backed(visit, base, answer.model_copy(update={"knn_lm": None}), "knn")
