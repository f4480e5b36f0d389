"""Cutting a base's documents anew, or embedding them with another model, while it answers."""

import streamlit as st

from webui.client.bases import Base, Splitting
from webui.pages.bases import words
from webui.shell import troubles
from webui.shell.visit import Visit


def draw_cut(visit: Visit, base: Base) -> None:
    """Offer other chunks: as they are now, until they are changed."""
    say, now = visit.say, base.splitting
    with st.container(border=True):
        st.subheader(say(words.CUT), anchor=False)
        st.write(say(words.CUT_MORE))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            size = st.number_input(say(words.CUT_SIZE), 20, 4000, now.size, 20, key=f"cut_size_{base.name}", width=180)
            overlap = st.number_input(
                say(words.CUT_OVERLAP), 0, 4000, now.overlap, 10, key=f"cut_overlap_{base.name}", width=180
            )
            by = st.selectbox(
                say(words.CUT_BY),
                list(words.CUT_WAYS),
                index=list(words.CUT_WAYS).index(now.by),
                format_func=lambda one: say(words.CUT_WAYS[one]),
                key=f"cut_by_{base.name}",
                width=220,
            )
            delimiter = now.delimiter
            if by == "delimiter":
                delimiter = st.text_input(
                    say(words.CUT_DELIMITER), now.delimiter, max_chars=100, key=f"cut_delimiter_{base.name}", width=160
                )
        drop = st.toggle(say(words.CUT_EDITED), help=say(words.CUT_EDITED_HELP), key=f"cut_edited_{base.name}")
        if overlap >= size:
            st.caption(f":orange[:material/error: {say(words.CUT_TOO_MUCH)}]")
        if st.button(say(words.START), key="cut", icon=":material/content_cut:", disabled=overlap >= size):
            wanted = Splitting(size=size, overlap=overlap, by=by, delimiter=delimiter)
            with troubles.shown(say):
                visit.service.bases.cut(base.name, wanted, drop)
                st.rerun()


def draw_reindex(visit: Visit, base: Base) -> None:
    """Offer the other embedding models that are here."""
    say = visit.say
    with st.container(border=True):
        st.subheader(say(words.REINDEX), anchor=False)
        st.write(say(words.REINDEX_MORE))
        names = [model.name for model in visit.service.system.models().embedders if model.name != base.embedder]
        if not names:
            st.caption(say(words.NO_OTHER_EMBEDDER, name=base.embedder))
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            embedder = st.selectbox(say(words.EMBEDDER), names, key=f"embedder_{base.name}")
            asked = st.button(say(words.START), key="reindex", icon=":material/autorenew:")
        if asked:
            with troubles.shown(say):
                visit.service.bases.reindex(base.name, embedder)
                st.rerun()
