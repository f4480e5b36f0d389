"""Adding documents, and how that fares."""

import streamlit as st

from webui.client.bases import Base
from webui.pages.bases import words
from webui.pages.bases.jobs import draw_jobs
from webui.shell import troubles
from webui.shell.visit import Visit

_SHOWN = 5
_KINDS = ("ingest", "fetch", "reindex", "migrate")


def draw(visit: Visit, base: Base) -> None:
    """Take files in, and show the jobs."""
    if visit.me.may("write"):
        _draw_upload(visit, base)
        _draw_fetch(visit, base)
    st.subheader(visit.say(words.JOBS), anchor=False)
    if not draw_jobs(visit, base.name, _KINDS, _SHOWN):
        st.caption(visit.say(words.NO_JOBS))


def _draw_upload(visit: Visit, base: Base) -> None:
    say = visit.say
    turn = st.session_state.setdefault("uploads_sent", 0)
    files = st.file_uploader(
        say(words.UPLOAD), accept_multiple_files=True, help=say(words.UPLOAD_HELP), key=f"upload_{base.name}_{turn}"
    )
    if files and st.button(say(words.SEND, n=len(files)), type="primary", icon=":material/upload:"):
        with troubles.shown(say), st.spinner(say(words.SENDING)):
            visit.service.documents(base.name).upload([(file.name, file) for file in files])
            st.session_state["uploads_sent"] = turn + 1
            st.rerun()


def _draw_fetch(visit: Visit, base: Base) -> None:
    say = visit.say
    with (
        st.form(f"fetch_{base.name}", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        address = st.text_input(say(words.URL), placeholder="https://", help=say(words.URL_HELP))
        depth = st.number_input(say(words.DEPTH), 0, 3, 0, width=160)
        asked = st.form_submit_button(say(words.FETCH), icon=":material/language:")
    if asked and address and address.strip():
        with troubles.shown(say):
            visit.service.documents(base.name).fetch([address.strip()], depth)
            st.rerun()
