"""How the service fares, and who may use it."""

import streamlit as st

from webui.client.system import Model
from webui.pages.system import words
from webui.pages.system.jobs import draw_jobs
from webui.pages.system.keys import draw_keys
from webui.pages.system.status import draw_status
from webui.safe.labels import plain
from webui.shell import words as common
from webui.shell.phrases import Phrase
from webui.shell.visit import Visit


def draw(visit: Visit) -> None:
    """Draw the page."""
    say = visit.say
    st.header(say(common.SYSTEM), anchor=False)
    if visit.me.may("admin"):
        draw_status(visit)
    else:
        st.caption(say(words.ADMINS_ONLY))
    _draw_models(visit)
    st.subheader(say(words.JOBS), anchor=False)
    draw_jobs(visit)
    if visit.me.may_create:
        st.subheader(say(words.KEYS), anchor=False)
        draw_keys(visit)


def _draw_models(visit: Visit) -> None:
    models = visit.service.system.models()
    st.subheader(visit.say(words.MODELS), anchor=False)
    for uses, found in ((words.FOR_WRITING, models.generators), (words.FOR_EMBEDDING, models.embedders)):
        for model in found:
            _draw_model(visit, model, uses)


def _draw_model(visit: Visit, model: Model, uses: Phrase) -> None:
    say = visit.say
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(model.name)}**", width="content")
        st.caption(say(uses), width="content")
        if model.chosen:
            st.badge(say(words.CHOSEN), color="green")
        if model.loaded:
            st.badge(say(words.LOADED), color="blue", icon=":material/memory:")
