"""How an answer is written, where a language model writes it."""

from typing import Any

import streamlit as st

from webui.parts.visit import Visit
from webui.words import chat


def draw_writing(visit: Visit, mode: str, one_base: bool, prefix: str) -> dict[str, Any]:
    """Draw what can be set, and return what of it goes into a request: nothing for what is left as it is."""
    say = visit.say
    options: dict[str, Any] = {}
    temperature = st.slider(
        say(chat.TEMPERATURE), 0.0, 1.5, 0.0, 0.1, key=f"{prefix}temperature", help=say(chat.TEMPERATURE_HELP)
    )
    if temperature:
        options["temperature"] = temperature
    if mode == "generate" and st.toggle(say(chat.THINK_FIRST), key=f"{prefix}reasoning"):
        options["reasoning"] = True
    if (
        mode == "generate"
        and one_base  # kNN-LM compares with one base's text
        and st.toggle(say(chat.KNN_LM), key=f"{prefix}knn", help=say(chat.KNN_LM_HELP))
    ):
        options["knn_lm"] = True
    return options
