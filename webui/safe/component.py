"""The component that shows nodes. Its script makes elements by name and text by `createTextNode`; no HTML is parsed."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from webui.safe.nodes import Node

_HERE = Path(__file__).parent


@cache
def _component() -> Callable[..., Any]:
    css, js = ((_HERE / f"show.{kind}").read_text("utf-8") for kind in ("css", "js"))
    made: Callable[..., Any] = st.components.v2.component("kb_inert", html='<div class="inert"></div>', css=css, js=js)
    return made


def show(nodes: Sequence[Node], key: str, to_mark: bool = False) -> str | None:
    """Show nodes; returns what the element says that was just clicked. `to_mark` scrolls to the first mark."""
    result = _component()(data={"nodes": list(nodes), "toMark": to_mark}, key=key, on_clicked_change=lambda: None)
    clicked = result.clicked
    return str(clicked) if clicked is not None else None
