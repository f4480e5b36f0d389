"""Which language the page speaks."""

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from webui.shell import words as common
from webui.shell.phrases import LanguageName, Say

_KEY = "language"
_REMEMBER = "language_to_remember"
_COOKIE = "kb_language"
# Readers aloud, and browsers that offer to translate, go by the document's language.
_SCRIPT = f"""
export default ({{ data }}) => {{
  document.documentElement.lang = data.language === "zh" ? "zh-CN" : "en";
  if (data.remember) document.cookie = `{_COOKIE}=${{data.language}}; path=/; max-age=31536000; samesite=lax`;
}};
"""
_NAMES: dict[LanguageName, str] = {"en": "English", "zh": "中文"}


def choose_language() -> Say:
    """Return the language that was chosen, now or earlier in this browser; else the page's setting, the browser's."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = _first()
    return Say(st.session_state[_KEY])


def tell_browser(say: Say) -> None:
    """Say in the document which language it is in, and let the browser remember one that was just chosen."""
    remember = st.session_state.pop(_REMEMBER, False)
    _messenger()(data={"language": say.language, "remember": remember}, key=f"language_{say.language}")


def draw_language(say: Say) -> None:
    """Offer the other language."""
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
def _messenger() -> Callable[..., Any]:
    made: Callable[..., Any] = st.components.v2.component("kb_language", js=_SCRIPT)
    return made


def _chosen() -> None:
    st.session_state[_KEY] = st.session_state["language_choice"]
    st.session_state[_REMEMBER] = True


def _first() -> LanguageName:
    wanted = [st.context.cookies.get(_COOKIE, ""), st.secrets.get("language", "auto"), st.context.locale or ""]
    for value in wanted:
        if value.lower()[:2] in _NAMES:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
