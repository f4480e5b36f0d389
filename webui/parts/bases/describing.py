"""What a base is about, in a person's words."""

import streamlit as st

from webui.client.bases import Base
from webui.parts import troubles
from webui.parts.visit import Visit
from webui.words import bases as words
from webui.words import common


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
