"""The side panel: which base, and how to answer. Its defaults are the service's own."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from webui.client.bases import Base
from webui.parts.visit import Visit
from webui.words import chat, common

MODES = {"extract": chat.EXTRACT, "generate": chat.GENERATE, "agent": chat.AGENT, "search": chat.SEARCH_ONLY}
_K = 5
_PREFIX = "panel_"


@dataclass(frozen=True, slots=True)
class Panel:
    """What was chosen."""

    bases: list[str]
    mode: str
    documents: list[str]
    k: int
    knn_lm: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Return what goes into a request beside base and question."""
        options: dict[str, Any] = {"mode": self.mode, "k": self.k}
        if self.documents:
            options["only"] = {"documents": self.documents}
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
    )
    chosen = _draw_bases(visit, bases, several=mode == "search")
    with st.expander(say(chat.MORE_SETTINGS), icon=":material/tune:"):
        documents = _draw_documents(visit, chosen[0]) if len(chosen) == 1 else []
        k = st.slider(say(chat.K), 1, 20, _K, key=f"{_PREFIX}k", help=say(chat.K_HELP))
        knn_lm = mode == "generate" and st.toggle(say(chat.KNN_LM), key=f"{_PREFIX}knn", help=say(chat.KNN_LM_HELP))
        st.button(say(chat.DEFAULTS), type="tertiary", icon=":material/restart_alt:", on_click=_reset)
    return Panel(chosen, mode or "extract", documents, k, knn_lm)


def _draw_bases(visit: Visit, bases: list[Base], several: bool) -> list[str]:
    names = [base.name for base in bases]
    if several:
        default = [st.session_state.get(f"{_PREFIX}base", names[0])]
        return st.multiselect(visit.say(common.BASE), names, default=default, key=f"{_PREFIX}bases") or names[:1]
    return [st.selectbox(visit.say(common.BASE), names, key=f"{_PREFIX}base")]


def _draw_documents(visit: Visit, base: str) -> list[str]:
    names = [one.name for one in visit.service.documents(base).all() if one.state == "indexed"]
    return st.multiselect(
        visit.say(chat.ONLY), names, placeholder=visit.say(chat.ONLY_ALL), key=f"{_PREFIX}documents_{base}"
    )


def _reset() -> None:
    for key in [key for key in st.session_state if str(key).startswith(_PREFIX)]:
        del st.session_state[key]
