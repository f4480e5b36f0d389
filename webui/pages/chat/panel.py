"""The side panel: which bases, and how to answer. Its defaults are the service's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

import streamlit as st

from webui.client.bases import Base
from webui.client.service import Service
from webui.client.system import LanguageModel
from webui.client.temporary import temporary
from webui.pages.chat import words as chat
from webui.shell import words as common
from webui.shell.phrases import Phrase, Say
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


def draw_writing(visit: Visit, mode: str, one_base: bool, prefix: str) -> dict[str, Any]:
    """Draw what can be set, and return what of it goes into a request: nothing for what is left as it is."""
    found = visit.service.system.models()
    writes = mode == "generate"
    options = _draw_model(visit, found.generators, prefix)
    if writes:
        options |= _draw_prompt(visit, found.prompts, prefix)
    options |= _draw_temperature(visit, prefix)
    if writes:
        options |= _draw_reasoning(visit, prefix)
    # kNN-LM compares with one base's text, and takes part in what the service's own model writes.
    if writes and one_base and "model" not in options:
        options |= _draw_knn_lm(visit, prefix)
    return options


def _draw_model(visit: Visit, generators: Sequence[LanguageModel], prefix: str) -> dict[str, Any]:
    """Let a model be chosen where there is a choice; the first is the service's own."""
    own = next((model.name for model in generators if model.chosen), "")
    others = [model.name for model in generators if model.askable and not model.chosen]
    if not others:
        return {}
    chosen = st.selectbox(visit.say(chat.MODEL), [own, *others], key=f"{prefix}model", persist_state="session")
    return {} if chosen == own else {"model": chosen}


def _draw_prompt(visit: Visit, prompts: Sequence[str], prefix: str) -> dict[str, Any]:
    say = visit.say
    if not prompts:
        return {}
    chosen = st.selectbox(
        say(chat.PROMPT),
        [None, *prompts],
        format_func=lambda one: say.name(chat.PROMPTS, one) if one else say(chat.AS_SERVICE),
        key=f"{prefix}prompt",
        help=say(chat.PROMPT_HELP),
        persist_state="session",
    )
    return {"prompt": chosen} if chosen else {}


def _draw_temperature(visit: Visit, prefix: str) -> dict[str, Any]:
    say = visit.say
    chosen = st.slider(
        say(chat.TEMPERATURE),
        0.0,
        1.5,
        0.0,
        0.1,
        key=f"{prefix}temperature",
        help=say(chat.TEMPERATURE_HELP),
        persist_state="session",
    )
    return {"temperature": chosen} if chosen else {}


def _draw_reasoning(visit: Visit, prefix: str) -> dict[str, Any]:
    wanted = st.toggle(visit.say(chat.THINK_FIRST), key=f"{prefix}reasoning", persist_state="session")
    return {"reasoning": True} if wanted else {}


def _draw_knn_lm(visit: Visit, prefix: str) -> dict[str, Any]:
    say = visit.say
    wanted = st.toggle(say(chat.KNN_LM), key=f"{prefix}knn", help=say(chat.KNN_LM_HELP), persist_state="session")
    return {"knn_lm": True} if wanted else {}


MODES = {"extract": chat.EXTRACT, "generate": chat.GENERATE, "agent": chat.AGENT, "search": chat.SEARCH_ONLY}

_K = 5

_PREFIX = "panel_"


@dataclass(frozen=True, slots=True)
class Panel:
    """What was chosen; `only` narrows the documents down, `writing` has what else a request says."""

    bases: list[str]
    mode: str
    k: int
    only: dict[str, Any] = field(default_factory=dict)
    writing: dict[str, Any] = field(default_factory=dict)

    def options_for(self, bases: Sequence[str]) -> dict[str, Any]:
        """Return what goes into a request beside bases and question; attached files are never narrowed down."""
        only = {} if temporary(bases) else self.only
        return {"mode": self.mode, "k": self.k, **({"only": only} if only else {}), **self.writing}


def draw_panel(visit: Visit, bases: list[Base], go_to: Sequence[str] = ()) -> Panel:
    """Draw the panel and return what it says; `go_to` names bases to choose."""
    say = visit.say
    mode = _draw_mode(say)
    names = _draw_bases(say, [base.name for base in bases], go_to)
    chosen = [base for name in names for base in bases if base.name == name]
    with st.expander(say(chat.MORE_SETTINGS), icon=":material/tune:"):
        only = draw_narrowing(visit, chosen, _PREFIX)
        k = st.slider(say(chat.K), 1, 20, _K, key=f"{_PREFIX}k", help=say(chat.K_HELP), persist_state="session")
        writing = _draw_threshold(visit) if mode != "search" else {}
        if mode in ("generate", "agent"):
            writing |= draw_writing(visit, mode, len(names) == 1, _PREFIX)
        st.button(say(chat.DEFAULTS), type="tertiary", icon=":material/restart_alt:", on_click=_reset)
    return Panel(names, mode, k, only, writing)


def _draw_mode(say: Say) -> str:
    chosen = st.segmented_control(
        say(chat.MODE),
        list(MODES),
        format_func=lambda one: say(MODES[one]),
        default="extract",
        required=True,
        key=f"{_PREFIX}mode",
        help=say(chat.MODE_HELP),
        width="stretch",
        persist_state="session",
    )
    return chosen or "extract"


def _draw_bases(say: Say, names: list[str], go_to: Sequence[str]) -> list[str]:
    """Let a base be chosen, and others that are asked with it."""
    first, others = f"{_PREFIX}base", f"{_PREFIX}also"
    if go_to and all(name in names for name in go_to):
        st.session_state[first], *st.session_state[others] = go_to
    base = st.selectbox(say(common.BASE), names, key=first, persist_state="session")
    return [base, *_draw_others(say, [name for name in names if name != base], others)]


def _draw_others(say: Say, names: list[str], key: str) -> list[str]:
    if not names:
        return []
    st.session_state[key] = [name for name in st.session_state.get(key, []) if name in names]
    return st.multiselect(
        say(chat.ALSO),
        names,
        placeholder=say(chat.ALSO_NONE),
        key=key,
        help=say(chat.ALSO_HELP),
        persist_state="session",
    )


def _draw_threshold(visit: Visit) -> dict[str, Any]:
    say = visit.say
    chosen = st.select_slider(
        say(chat.THRESHOLD),
        [None, *(step / 20 for step in range(17))],
        format_func=lambda one: say(chat.AS_SERVICE) if one is None else f"{one:.2f}",
        key=f"{_PREFIX}threshold",
        help=say(chat.THRESHOLD_HELP),
        persist_state="session",
    )
    return {} if chosen is None else {"threshold": chosen}


def _reset() -> None:
    for key in [key for key in st.session_state if str(key).startswith(_PREFIX)]:
        del st.session_state[key]
