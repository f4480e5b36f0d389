"""Which documents a question looks in: some files, a folder, some tags."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from webui.client.bases import Base
from webui.client.service import Service
from webui.parts.visit import Visit
from webui.words import chat

_MOST_FILES = 1000


def draw_narrowing(visit: Visit, bases: Sequence[Base], prefix: str) -> dict[str, Any]:
    """Let it be narrowed down, and return what a request has as `only`; files are those of one base."""
    files = _draw_files(visit, bases[0], prefix) if len(bases) == 1 else {}
    tags = _draw_tags(visit, bases, prefix)
    return {**files, **({"tags": tags} if tags else {})}


def _draw_files(visit: Visit, base: Base, prefix: str) -> dict[str, Any]:
    """Let files be chosen, or a folder be named where there are too many files for a list."""
    say = visit.say
    if base.documents > _MOST_FILES:
        key = f"{prefix}folder_{base.name}"
        folder = st.text_input(say(chat.FOLDER), help=say(chat.FOLDER_HELP), key=key).strip()
        return {"folder": folder} if folder else {}
    names = _names(visit.service, base.name, base.documents, base.chunks)
    if not names:
        return {}
    key = f"{prefix}documents_{base.name}"
    chosen = st.multiselect(say(chat.ONLY), names, placeholder=say(chat.ONLY_ALL), key=key)
    return {"documents": chosen} if chosen else {}


def _draw_tags(visit: Visit, bases: Sequence[Base], prefix: str) -> list[str]:
    """Offer the tags that documents of these bases have; nothing where there are none."""
    say = visit.say
    tags = sorted({tag for base in bases for tag in visit.service.documents(base.name).tags()})
    if not tags:
        return []
    key = f"{prefix}tags_{'/'.join(base.name for base in bases)}"
    return st.multiselect(
        say(chat.ONLY_TAGS), tags, placeholder=say(chat.ONLY_ALL), help=say(chat.ONLY_TAGS_HELP), key=key
    )


@st.cache_data(ttl=300, show_spinner=False, max_entries=200)
def _names(_service: Service, base: str, documents: int, chunks: int) -> list[str]:  # noqa: ARG001 - they tell of change
    return [one.name for one in _service.documents(base).all() if one.state == "indexed"]
