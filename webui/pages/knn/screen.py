"""kNN-LM: ask with it, and see where each word came from."""

from typing import Any

import streamlit as st

from webui.client.answers import Answer
from webui.client.bases import Base, Found
from webui.pages.bases.choosing import choose_base
from webui.pages.bases.jobs import draw_jobs
from webui.pages.chat.messages import draw_backed
from webui.pages.knn import words
from webui.pages.knn.trace import draw_trace
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell.times import shown
from webui.shell.visit import Visit

_MEGABYTE = 1 << 20


def draw_building(visit: Visit, base: Base) -> bool:
    """Say what there is, and offer to make it or bring it up to date; says whether one can ask with it."""
    say, found = visit.say, visit.service.datastores(base.name).all()
    if not found.possible:
        st.info(say(words.NOT_POSSIBLE), icon=":material/info:")
        return bool(found.datastores)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_state(visit, found), width="stretch")
            if visit.me.may("write"):
                _draw_start(visit, base, found)
        draw_jobs(visit, base.name, ("knn",), 1, with_done=False)
    return bool(found.datastores)


def _state(visit: Visit, found: Found) -> str:
    say = visit.say
    if not found.datastores:
        return say(words.NONE_YET if visit.me.may("write") else words.NONE_ASK)
    one = found.datastores[0]
    size = f"{one.bytes / _MEGABYTE:,.1f} MiB"
    kept = say(words.KEPT, model=plain(one.model), size=size, time=shown(one.changed))
    return f":green[:material/check_circle:] {kept}{say(words.TUNED) if one.tuned else ''}"


def _draw_start(visit: Visit, base: Base, found: Found) -> None:
    say = visit.say
    tune = st.toggle(say(words.TUNE), help=say(words.TUNE_HELP), key=f"tune_{base.name}")
    label = words.UPDATE if found.datastores else words.BUILD
    if st.button(
        say(label),
        icon=":material/construction:",
        type="secondary" if found.datastores else "primary",
        disabled=not base.documents,
        key="build_knn",
    ):
        with troubles.shown(say):
            visit.service.datastores(base.name).build(tune)
            st.rerun()


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
