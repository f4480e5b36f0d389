"""Which language the page speaks."""

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from webui.words import LanguageName, Say, common

_KEY = "language"
_REMEMBER = "language_to_remember"
_COOKIE = "kb_language"
_SCRIPT = f"""
export default ({{ data }}) => {{
  document.cookie = `{_COOKIE}=${{data.language}}; path=/; max-age=31536000; samesite=lax`;
}};
"""
_NAMES: dict[LanguageName, str] = {"en": "English", "zh": "中文"}


def choose_language() -> Say:
    """Return the language that was chosen, now or earlier in this browser; else the page's setting, the browser's."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = _first()
    return Say(st.session_state[_KEY])


def draw_language(say: Say) -> None:
    """Offer the other language, and let the browser remember the choice."""
    chosen = st.session_state.pop(_REMEMBER, None)
    if chosen:
        _remember()(data={"language": chosen}, key=f"remember_{chosen}")
    st.segmented_control(
        say(common.LANGUAGE),
        list(_NAMES),
        format_func=_NAMES.__getitem__,
        key="language_choice",
        default=say.language,
        required=True,
        label_visibility="collapsed",
        on_change=_chosen,
    )


@cache
def _remember() -> Callable[..., Any]:
    made: Callable[..., Any] = st.components.v2.component("kb_language", js=_SCRIPT)
    return made


def _chosen() -> None:
    st.session_state[_KEY] = st.session_state[_REMEMBER] = st.session_state["language_choice"]


def _first() -> LanguageName:
    wanted = [st.context.cookies.get(_COOKIE, ""), st.secrets.get("language", "auto"), st.context.locale or ""]
    for value in wanted:
        if value.lower()[:2] in _NAMES:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
