"""How an answer is written, where a language model writes it."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from webui.parts.visit import Visit
from webui.words import Phrase, chat


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
