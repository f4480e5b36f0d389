"""Which base is looked after; making and importing one."""

import streamlit as st

from webui.client.bases import Base
from webui.pages.bases import words
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell import words as common
from webui.shell.visit import Visit

_CHOSEN = "base_chosen"
_NEXT = "base_next"
STORES = ("faiss", "milvus", "annoy")


def choose_base(visit: Visit, may_make: bool = True) -> Base | None:
    """Draw the list at the side and return the chosen base; with `may_make`, offer to make and import one."""
    bases = visit.service.bases.all()
    with visit.side:
        _draw_side(visit, [one.name for one in bases], may_make and visit.me.may_create)
    if not bases:
        draw_no_base(visit)
    return next((one for one in bases if one.name == st.session_state.get(_CHOSEN)), None)


def _draw_side(visit: Visit, names: list[str], may_make: bool) -> None:
    say = visit.say
    if may_make and st.button(say(words.NEW), icon=":material/add:", width="stretch", type="primary", key="new_base"):
        _create(visit)
    if st.session_state.get(_NEXT) in names:
        st.session_state[_CHOSEN] = st.session_state.pop(_NEXT)
    if names:
        st.radio(say(words.ALL), names, key=_CHOSEN, format_func=plain, persist_state="session")
    if may_make and st.button(say(words.IMPORT), icon=":material/unarchive:", type="tertiary", key="import_base"):
        _import(visit)


def draw_no_base(visit: Visit) -> None:
    """Say that there is no base yet, and who makes the first."""
    say = visit.say
    st.header(say(common.NO_BASE), anchor=False)
    st.write(say(common.NO_BASE_ADMIN if visit.me.may_create else common.NO_BASE_READER))


def go_to(name: str) -> None:
    """Choose a base in the next run."""
    st.session_state[_NEXT] = name


def _create(visit: Visit) -> None:
    say = visit.say

    @st.dialog(say(words.NEW), icon=":material/add:")
    def ask() -> None:
        with st.form("new_base", border=False):
            name = st.text_input(say(words.NAME), max_chars=64, help=say(words.NAME_HELP))
            about = st.text_area(say(words.DESCRIPTION), max_chars=10_000, height=80, help=say(words.DESCRIPTION_HELP))
            default = say(words.STORE_DEFAULT)
            store = st.selectbox(say(words.STORE), [default, *STORES])
            embedder = st.text_input(say(words.EMBEDDER), help=say(words.EMBEDDER_HELP))
            if not st.form_submit_button(say(words.CREATE), type="primary"):
                return
        with troubles.shown(say):
            chosen = None if store == default else store
            go_to(visit.service.bases.create(name.strip(), chosen, embedder.strip() or None, about.strip()).name)
            st.rerun()

    ask()


def _import(visit: Visit) -> None:
    say = visit.say

    @st.dialog(say(words.IMPORT), icon=":material/unarchive:")
    def ask() -> None:
        with st.form("import_base", border=False):
            file = st.file_uploader(say(words.IMPORT_FILE))
            name = st.text_input(say(words.IMPORT_NAME), max_chars=64, help=say(words.NAME_HELP))
            if not st.form_submit_button(say(words.IMPORT), type="primary") or file is None:
                return
        with troubles.shown(say), st.spinner(say(words.SENDING)):
            go_to(visit.service.bases.bring_in((file.name, file), name.strip() or None).name)
            st.rerun()

    ask()
