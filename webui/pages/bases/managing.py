"""A base as a whole: exporting, cutting again, other models and stores, deleting."""

import streamlit as st

from webui.client.bases import Base, Splitting
from webui.pages.bases import words
from webui.pages.bases.choosing import STORES
from webui.pages.bases.jobs import draw_jobs
from webui.safe.labels import plain
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
        if base.better_embedder:
            st.info(say(words.BETTER_EMBEDDER, old=base.embedder, new=base.better_embedder), icon=":material/upgrade:")
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


def draw(visit: Visit, base: Base) -> None:
    """Show what the key may do with the base as a whole."""
    if not visit.me.may("write"):
        st.info(visit.say(words.MAY_NOT), icon=":material/lock:")
        return
    if visit.me.may("admin"):
        draw_jobs(visit, base.name, ("reindex", "migrate"), 1)
    _draw_export(visit, base)
    if visit.me.may("admin"):
        draw_cut(visit, base)
        draw_reindex(visit, base)
        _draw_migrate(visit, base)
        _draw_delete(visit, base)


def _draw_export(visit: Visit, base: Base) -> None:
    say = visit.say
    with st.container(border=True):
        st.subheader(say(words.EXPORT), anchor=False)
        st.write(say(words.EXPORT_MORE))
        st.download_button(
            say(words.EXPORT),
            lambda: visit.service.bases.export(base.name),
            f"{base.name}.kb.zip",
            "application/zip",
            icon=":material/archive:",
            on_click="ignore",
        )


def _draw_migrate(visit: Visit, base: Base) -> None:
    say = visit.say
    with st.container(border=True):
        st.subheader(say(words.MIGRATE), anchor=False)
        st.write(say(words.MIGRATE_MORE))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            others = [store for store in STORES if store != base.store]
            store = st.selectbox(say(words.STORE), others, key=f"store_{base.name}")
            asked = st.button(say(words.START), key="migrate", icon=":material/database:")
        if asked:
            with troubles.shown(say):
                visit.service.bases.migrate(base.name, store)
                st.rerun()


def _draw_delete(visit: Visit, base: Base) -> None:
    say = visit.say
    with st.container(border=True):
        st.subheader(say(words.DELETE), anchor=False)
        st.write(say(words.DELETE_MORE, name=plain(base.name)))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            typed = st.text_input(
                say(words.NAME), key=f"delete_name_{base.name}", placeholder=base.name, autocomplete="off"
            )
            sure = typed.strip() == base.name
            if st.button(say(words.DELETE), disabled=not sure, icon=":material/delete_forever:", key="delete_base"):
                with troubles.shown(say):
                    visit.service.bases.delete(base.name)
                    st.rerun()
