"""The side panel: which bases, and how to answer. Its defaults are the service's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from webui.client.bases import Base
from webui.client.temporary import temporary
from webui.pages.chat import words as chat
from webui.pages.chat.narrowing import draw_narrowing
from webui.shell import words as common
from webui.shell.phrases import Phrase
from webui.shell.visit import Visit


def draw_writing(visit: Visit, mode: str, one_base: bool, prefix: str) -> dict[str, Any]:
    """Draw what can be set, and return what of it goes into a request: nothing for what is left as it is."""
    say, found = visit.say, visit.service.system.models()
    options: dict[str, Any] = {}
    own = next((model.name for model in found.generators if model.chosen), "")
    models = [own, *(model.name for model in found.generators if model.askable and not model.chosen)]
    model = _draw_model(visit, models, prefix)
    if model != own:
        options["model"] = model
    prompt = _draw_prompt(visit, found.prompts, prefix) if mode == "generate" else None
    if prompt:
        options["prompt"] = prompt
    temperature = st.slider(
        say(chat.TEMPERATURE),
        0.0,
        1.5,
        0.0,
        0.1,
        key=f"{prefix}temperature",
        help=say(chat.TEMPERATURE_HELP),
        persist_state="session",
    )
    if temperature:
        options["temperature"] = temperature
    if mode == "generate" and st.toggle(say(chat.THINK_FIRST), key=f"{prefix}reasoning", persist_state="session"):
        options["reasoning"] = True
    if (
        mode == "generate"
        and one_base  # kNN-LM compares with one base's text, and takes part in what the service's own model writes
        and model == own
        and st.toggle(say(chat.KNN_LM), key=f"{prefix}knn", help=say(chat.KNN_LM_HELP), persist_state="session")
    ):
        options["knn_lm"] = True
    return options


def _draw_model(visit: Visit, models: Sequence[str], prefix: str) -> str:
    """Let a model be chosen where there is a choice; the first is the service's own."""
    if len(models) < 2:
        return models[0]
    return st.selectbox(visit.say(chat.MODEL), models, key=f"{prefix}model", persist_state="session")


def _draw_prompt(visit: Visit, prompts: Sequence[str], prefix: str) -> str | None:
    say = visit.say
    if not prompts:
        return None
    return st.selectbox(
        say(chat.PROMPT),
        [None, *prompts],
        format_func=lambda one: say(chat.PROMPTS.get(one, Phrase(one, one))) if one else say(chat.AS_SERVICE),
        key=f"{prefix}prompt",
        help=say(chat.PROMPT_HELP),
        persist_state="session",
    )


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
    mode = st.segmented_control(
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
    names = _draw_bases(visit, [base.name for base in bases], go_to)
    chosen = [base for name in names for base in bases if base.name == name]
    with st.expander(say(chat.MORE_SETTINGS), icon=":material/tune:"):
        only = draw_narrowing(visit, chosen, _PREFIX)
        k = st.slider(say(chat.K), 1, 20, _K, key=f"{_PREFIX}k", help=say(chat.K_HELP), persist_state="session")
        writing = _draw_threshold(visit) if mode != "search" else {}
        if mode in ("generate", "agent"):
            writing |= draw_writing(visit, mode, len(names) == 1, _PREFIX)
        st.button(say(chat.DEFAULTS), type="tertiary", icon=":material/restart_alt:", on_click=_reset)
    return Panel(names, mode or "extract", k, only, writing)


def _draw_bases(visit: Visit, names: list[str], go_to: Sequence[str]) -> list[str]:
    """Let a base be chosen, and others that are asked with it."""
    say, first, others = visit.say, f"{_PREFIX}base", f"{_PREFIX}also"
    if go_to and all(name in names for name in go_to):
        st.session_state[first], *st.session_state[others] = go_to
    base = st.selectbox(say(common.BASE), names, key=first, persist_state="session")
    rest = [name for name in names if name != base]
    if not rest:
        return [base]
    st.session_state[others] = [name for name in st.session_state.get(others, []) if name in rest]
    also = st.multiselect(
        say(chat.ALSO),
        rest,
        placeholder=say(chat.ALSO_NONE),
        key=others,
        help=say(chat.ALSO_HELP),
        persist_state="session",
    )
    return [base, *also]


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
