"""Look after knowledge bases."""

from collections.abc import Callable

import streamlit as st

from webui.client.bases import Base
from webui.pages.bases import adding, checking, documents, managing, snapshots, words
from webui.pages.bases.choosing import choose_base
from webui.safe.component import show
from webui.safe.labels import plain
from webui.safe.nodes import lines
from webui.shell import troubles
from webui.shell import words as common
from webui.shell.phrases import Phrase
from webui.shell.visit import Visit


def draw_describe(visit: Visit, base: Base) -> None:
    """Offer to who may write to say it, or to say it in another way."""
    say = visit.say
    if visit.me.may("write") and st.button(
        say(words.EDIT if base.description else words.DESCRIBE),
        icon=":material/edit_note:",
        type="tertiary",
        key="describe_base",
    ):
        _describe(visit, base)


def _describe(visit: Visit, base: Base) -> None:
    say = visit.say

    @st.dialog(say(words.DESCRIBE), icon=":material/edit_note:")
    def ask() -> None:
        st.caption(say(words.DESCRIPTION_HELP))
        text = st.text_area(say(words.DESCRIPTION), base.description, max_chars=10_000, height=160)
        if st.button(say(common.SAVE), type="primary"):
            with troubles.shown(say):
                visit.service.bases.describe(base.name, text.strip())
                st.rerun()

    ask()


_TABS: tuple[tuple[Phrase, str, Callable[[Visit, Base], None]], ...] = (
    (words.DOCUMENTS, ":material/description:", documents.draw),
    (words.ADD, ":material/upload_file:", adding.draw),
    (words.CHECK, ":material/troubleshoot:", checking.draw),
    (words.SNAPSHOTS, ":material/history:", snapshots.draw),
    (words.MANAGE, ":material/settings:", managing.draw),
)


def draw(visit: Visit) -> None:
    """Draw the page."""
    base = choose_base(visit)
    if base is None:
        return
    _draw_head(visit, base)
    labels = [f"{icon} {visit.say(title)}" for title, icon, _ in _TABS]
    tabs = st.tabs(labels, key=f"tabs_{base.name}", on_change="rerun")
    for tab, (_, _, draw_tab) in zip(tabs, _TABS, strict=True):
        if tab.open:
            with tab:
                draw_tab(visit, base)


def _draw_head(visit: Visit, base: Base) -> None:
    say = visit.say
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(plain(base.name), anchor=False, width="content")
        draw_describe(visit, base)
    if base.description:
        show(lines(base.description), key=f"about_{base.name}")
    with st.container(horizontal=True, gap="small", key="base_head"):
        st.badge(f"{say(words.DOCUMENTS)} {base.documents:,}", icon=":material/description:")
        st.badge(f"{say(words.CHUNKS)} {base.chunks:,}", icon=":material/segment:", color="gray")
        st.badge(plain(base.embedder), icon=":material/hub:", color="gray", help=say(words.EMBEDDER))
        st.badge(plain(base.store), icon=":material/database:", color="gray", help=say(words.STORE))
