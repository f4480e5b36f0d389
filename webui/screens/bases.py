"""Look after knowledge bases."""

from collections.abc import Callable

import streamlit as st

from webui.client.bases import Base
from webui.inert.component import show
from webui.inert.labels import plain
from webui.inert.nodes import lines
from webui.parts.bases import adding, checking, documents, managing, snapshots
from webui.parts.bases.choosing import choose_base
from webui.parts.bases.describing import draw_describe
from webui.parts.visit import Visit
from webui.words import Phrase
from webui.words import bases as words

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
