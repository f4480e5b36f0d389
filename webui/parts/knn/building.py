"""The datastore of a base: whether there is one, and making it."""

import streamlit as st

from webui.client.bases import Base
from webui.client.datastores import Found
from webui.inert.labels import plain
from webui.parts import troubles
from webui.parts.bases.jobs import draw_jobs
from webui.parts.times import shown
from webui.parts.visit import Visit
from webui.words import knn as words

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
