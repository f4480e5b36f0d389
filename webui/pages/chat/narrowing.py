"""Which documents a question looks in: some files, a folder, some tags, days and pages."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import streamlit as st

from webui.client.bases import Base
from webui.client.service import Service
from webui.pages.chat import words as chat
from webui.shell.phrases import Phrase
from webui.shell.times import beginning
from webui.shell.visit import Visit

_MOST_FILES = 1000
_LAST_PAGE = 1_000_000


class _Known(NamedTuple):
    """What a base's documents are called, and whether some have pages."""

    names: list[str]
    paged: bool


def draw_narrowing(visit: Visit, bases: Sequence[Base], prefix: str) -> dict[str, Any]:
    """Let it be narrowed down, and return what a request has as `only`; files are those of one base."""
    small = [base for base in bases if base.documents <= _MOST_FILES]
    known = {base.name: _known(visit.service, base.name, base.documents, base.chunks) for base in small}
    only: dict[str, Any] = {}
    if len(bases) == 1:
        only |= _draw_files(visit, bases[0], known, prefix)
    only |= _draw_tags(visit, bases, prefix)
    only |= _draw_days(visit, prefix)
    if len(small) < len(bases) or any(one.paged for one in known.values()):
        only |= _draw_pages(visit, prefix)
    return only


def _draw_files(visit: Visit, base: Base, known: dict[str, _Known], prefix: str) -> dict[str, Any]:
    """Let files be chosen, or a folder be named where there are too many files for a list."""
    say = visit.say
    if base.name not in known:
        key = f"{prefix}folder_{base.name}"
        folder = st.text_input(say(chat.FOLDER), help=say(chat.FOLDER_HELP), key=key, persist_state="session").strip()
        return {"folder": folder} if folder else {}
    names = known[base.name].names
    if not names:
        return {}
    key = f"{prefix}documents_{base.name}"
    chosen = st.multiselect(say(chat.ONLY), names, placeholder=say(chat.ONLY_ALL), key=key, persist_state="session")
    return {"documents": chosen} if chosen else {}


def _draw_tags(visit: Visit, bases: Sequence[Base], prefix: str) -> dict[str, Any]:
    """Offer the tags that documents of these bases have; nothing where there are none."""
    say = visit.say
    tags = sorted({tag for base in bases for tag in visit.service.documents(base.name).tags()})
    if not tags:
        return {}
    chosen = st.multiselect(
        say(chat.ONLY_TAGS),
        tags,
        placeholder=say(chat.ONLY_ALL),
        help=say(chat.ONLY_TAGS_HELP),
        key=f"{prefix}tags_{'/'.join(base.name for base in bases)}",
        persist_state="session",
    )
    return {"tags": chosen} if chosen else {}


def _draw_days(visit: Visit, prefix: str) -> dict[str, Any]:
    """Let the days be bounded on which documents came in; they are those of the reader's clock."""
    since = _draw_day(visit, chat.SINCE, f"{prefix}since")
    until = _draw_day(visit, chat.UNTIL, f"{prefix}until")
    bounds: dict[str, Any] = {"since": beginning(since).isoformat()} if since else {}
    return {**bounds, "until": beginning(until + timedelta(1)).isoformat()} if until else bounds


def _draw_day(visit: Visit, title: Phrase, key: str) -> date | None:
    return st.date_input(visit.say(title), None, format="YYYY-MM-DD", key=key, persist_state="session")


def _draw_pages(visit: Visit, prefix: str) -> dict[str, Any]:
    """Let the pages be bounded; an end that is left open is the document's own."""
    say = visit.say
    left, right = st.columns(2)
    first = left.number_input(
        say(chat.FROM_PAGE),
        1,
        _LAST_PAGE,
        None,
        placeholder=say(chat.FIRST),
        key=f"{prefix}from_page",
        persist_state="session",
    )
    last = right.number_input(
        say(chat.TO_PAGE),
        1,
        _LAST_PAGE,
        None,
        placeholder=say(chat.LAST),
        key=f"{prefix}to_page",
        persist_state="session",
    )
    return {"pages": sorted((first or 1, last or _LAST_PAGE))} if first or last else {}


@st.cache_data(ttl=300, show_spinner=False, max_entries=200)
def _known(_service: Service, base: str, documents: int, chunks: int) -> _Known:  # noqa: ARG001 - they tell of change
    found = [one for one in _service.documents(base).all() if one.state == "indexed"]
    return _Known([one.name for one in found], any(one.pages for one in found))
