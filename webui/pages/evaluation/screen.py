"""How good a base is: questions, runs over them, and how two runs differ."""

from collections.abc import Callable

import streamlit as st

from webui.pages.bases.choosing import choose_base
from webui.pages.evaluation import comparing, questions, runs, words
from webui.safe.labels import plain
from webui.shell.phrases import Phrase
from webui.shell.visit import Visit

_TABS: tuple[tuple[Phrase, str, Callable[[Visit, str], None]], ...] = (
    (words.QUESTIONS, ":material/quiz:", questions.draw),
    (words.RUNS, ":material/monitoring:", runs.draw),
    (words.COMPARE, ":material/compare_arrows:", comparing.draw),
)


def draw(visit: Visit) -> None:
    """Draw the page."""
    base = choose_base(visit, may_make=False)
    if base is None:
        return
    st.header(visit.say(words.TITLE, base=plain(base.name)), anchor=False)
    tabs = st.tabs(
        [f"{icon} {visit.say(title)}" for title, icon, _ in _TABS], key=f"evaluation_{base.name}", on_change="rerun"
    )
    for tab, (_, _, draw_tab) in zip(tabs, _TABS, strict=True):
        if tab.open:
            with tab:
                draw_tab(visit, base.name)
