"""Search only: the passages, and why each was found."""

import streamlit as st

from webui.pages.chat.messages import AVATARS, draw_text
from webui.pages.chat.panel import Panel
from webui.pages.chat.sources import draw_hits
from webui.shell.visit import Visit


def draw_search(visit: Visit, panel: Panel, question: str) -> None:
    """Show what a question finds in the chosen bases."""
    with st.chat_message("user", avatar=AVATARS["user"]):
        draw_text(question, "searched")
    with st.chat_message("assistant", avatar=":material/manage_search:"):
        hits = visit.service.search.find(panel.bases, question, panel.k, panel.only)
        draw_hits(visit.say, hits, "found", expanded=True)
