"""Which language the page speaks."""

import streamlit as st

from webui.words import LanguageName, Say, common

_KEY = "language"
_NAMES: dict[LanguageName, str] = {"en": "English", "zh": "中文"}


def choose_language() -> Say:
    """Return the language that was chosen; else the address's `lang`, the page's setting, the browser's."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = _first()
    return Say(st.session_state[_KEY])


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


def _chosen() -> None:
    st.session_state[_KEY] = st.session_state["language_choice"]
    st.query_params["lang"] = st.session_state[_KEY]


def _first() -> LanguageName:
    wanted = [st.query_params.get("lang", ""), st.secrets.get("language", "auto"), st.context.locale or ""]
    for value in wanted:
        if value.lower()[:2] in _NAMES:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
