"""The side panel: which base, and how to answer. Its defaults are the service's own."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from webui.client.bases import Base
from webui.client.service import Service
from webui.parts.visit import Visit
from webui.words import chat, common

MODES = {"extract": chat.EXTRACT, "generate": chat.GENERATE, "agent": chat.AGENT, "search": chat.SEARCH_ONLY}
_K = 5
_MOST_FILES = 1000
_PREFIX = "panel_"


@dataclass(frozen=True, slots=True)
class Panel:
    """What was chosen."""

    bases: list[str]
    mode: str
    documents: list[str]
    k: int
    knn_lm: bool = False
    folder: str = ""
    temperature: float = 0.0
    threshold: float | None = None
    reasoning: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Return what goes into a request beside base and question."""
        options: dict[str, Any] = {"mode": self.mode, "k": self.k}
        if self.documents:
            options["only"] = {"documents": self.documents}
        elif self.folder:
            options["only"] = {"folder": self.folder}
        if self.threshold is not None:
            options["threshold"] = self.threshold
        if self.reasoning:
            options["reasoning"] = True
        if self.temperature:
            options["temperature"] = self.temperature
        if self.knn_lm:
            options["knn_lm"] = True
        return options


def draw_panel(visit: Visit, bases: list[Base], go_to: str | None = None) -> Panel:
    """Draw the panel and return what it says; `go_to` names a base to choose."""
    say = visit.say
    if go_to in [base.name for base in bases]:
        st.session_state[f"{_PREFIX}base"] = go_to
    mode = st.segmented_control(
        say(chat.MODE),
        list(MODES),
        format_func=lambda one: say(MODES[one]),
        default="extract",
        required=True,
        key=f"{_PREFIX}mode",
        help=say(chat.MODE_HELP),
        width="stretch",
    )
    chosen = _draw_bases(visit, bases, several=mode == "search")
    with st.expander(say(chat.MORE_SETTINGS), icon=":material/tune:"):
        only = next((base for base in bases if [base.name] == chosen), None)
        documents = _draw_documents(visit, only) if only else []
        folder = _draw_folder(visit, only) if only else ""
        k = st.slider(say(chat.K), 1, 20, _K, key=f"{_PREFIX}k", help=say(chat.K_HELP))
        writes = mode in ("generate", "agent")
        threshold = _draw_threshold(visit) if mode != "search" else None
        temperature = _draw_temperature(visit) if writes else 0.0
        reasoning = mode == "generate" and st.toggle(say(chat.THINK_FIRST), key=f"{_PREFIX}reasoning")
        knn_lm = mode == "generate" and st.toggle(say(chat.KNN_LM), key=f"{_PREFIX}knn", help=say(chat.KNN_LM_HELP))
        st.button(say(chat.DEFAULTS), type="tertiary", icon=":material/restart_alt:", on_click=_reset)
    return Panel(
        chosen, mode or "extract", documents, k, bool(knn_lm), folder.strip(), temperature, threshold, reasoning
    )


def _draw_bases(visit: Visit, bases: list[Base], several: bool) -> list[str]:
    names = [base.name for base in bases]
    if several:
        default = [st.session_state.get(f"{_PREFIX}base", names[0])]
        return st.multiselect(visit.say(common.BASE), names, default=default, key=f"{_PREFIX}bases") or names[:1]
    return [st.selectbox(visit.say(common.BASE), names, key=f"{_PREFIX}base")]


def _draw_documents(visit: Visit, base: Base) -> list[str]:
    """Let files be chosen, as long as they are not too many for a list."""
    if not 0 < base.documents <= _MOST_FILES:
        return []
    names = _names(visit.service, base.name, base.documents, base.chunks)
    return st.multiselect(
        visit.say(chat.ONLY), names, placeholder=visit.say(chat.ONLY_ALL), key=f"{_PREFIX}documents_{base.name}"
    )


def _draw_threshold(visit: Visit) -> float | None:
    say = visit.say
    return st.select_slider(
        say(chat.THRESHOLD),
        [None, *(step / 20 for step in range(17))],
        format_func=lambda one: say(chat.AS_SERVICE) if one is None else f"{one:.2f}",
        key=f"{_PREFIX}threshold",
        help=say(chat.THRESHOLD_HELP),
    )


def _draw_temperature(visit: Visit) -> float:
    say = visit.say
    return st.slider(
        say(chat.TEMPERATURE), 0.0, 1.5, 0.0, 0.1, key=f"{_PREFIX}temperature", help=say(chat.TEMPERATURE_HELP)
    )


def _draw_folder(visit: Visit, base: Base) -> str:
    """Let a folder be named where there are too many files."""
    if base.documents <= _MOST_FILES:
        return ""
    return st.text_input(visit.say(chat.FOLDER), help=visit.say(chat.FOLDER_HELP), key=f"{_PREFIX}folder_{base.name}")


@st.cache_data(ttl=300, show_spinner=False, max_entries=200)
def _names(_service: Service, base: str, documents: int, chunks: int) -> list[str]:  # noqa: ARG001 - they tell of change
    return [one.name for one in _service.documents(base).all() if one.state == "indexed"]


def _reset() -> None:
    for key in [key for key in st.session_state if str(key).startswith(_PREFIX)]:
        del st.session_state[key]
