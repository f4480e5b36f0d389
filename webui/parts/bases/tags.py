"""The tags of one document: words to search among the documents that have them."""

from collections.abc import Sequence

import streamlit as st

from webui.client.bases import Base
from webui.client.documents import Document
from webui.client.errors import ServiceError
from webui.parts import troubles
from webui.parts.visit import Visit
from webui.words import bases as words

_FAILED = "tags_failed"


def draw_tags(visit: Visit, base: Base, document: Document, known: Sequence[str]) -> None:
    """Show them; who may write chooses among those `known` in the base or writes new ones, kept at once."""
    say, key = visit.say, f"tags_{base.name}_{document.id}"
    _follow(document, key)
    st.multiselect(
        say(words.TAGS),
        sorted({*known, *document.tags}),
        key=key,
        accept_new_options=True,
        placeholder=say(words.TAGS_HINT if visit.me.may("write") else words.TAGS_NONE),
        disabled=not visit.me.may("write"),
        help=say(words.TAGS_HELP),
        on_change=_keep,
        args=(visit, base, document, key),
    )
    failed = st.session_state.pop(_FAILED, None)
    if failed is not None:
        troubles.draw_error(say, failed)


def _follow(document: Document, key: str) -> None:
    """Show what the service has where that has changed; set in every run it would undo what is just being chosen."""
    known = f"{key}_known"
    if key not in st.session_state or st.session_state.get(known) != document.tags:
        st.session_state[key] = list(document.tags)
        st.session_state[known] = document.tags


def _keep(visit: Visit, base: Base, document: Document, key: str) -> None:
    try:
        visit.service.documents(base.name).tag(document.id, st.session_state[key])
    except ServiceError as error:
        st.session_state[_FAILED] = error  # said where the tags are drawn
        st.session_state.pop(f"{key}_known", None)
