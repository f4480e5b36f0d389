"""A base as a whole: exporting, cutting anew, other models and stores, deleting."""

import streamlit as st

from webui.client.bases import Base
from webui.pages.bases import words
from webui.pages.bases.choosing import STORES
from webui.pages.bases.jobs import draw_jobs
from webui.pages.bases.reindexing import draw_cut, draw_reindex
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell.visit import Visit


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
