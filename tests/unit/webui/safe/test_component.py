"""The component gets nodes as data."""

import json

from tests.unit.webui.conftest import Draw


def _script(text: str) -> None:
    import streamlit as st

    from webui.safe.component import show
    from webui.safe.nodes import element

    clicked = show([element("p", text, cls="x"), "plain"], key="here", to_mark=True)
    st.text(f"clicked {clicked}")


def test_text_goes_to_the_browser_as_text(draw: Draw) -> None:
    evil = "<script>alert(1)</script> [x](javascript:alert(1))"
    page = draw(_script, evil)
    sent = json.loads(page.get_by_key("here").proto.json)
    assert sent == {"nodes": [{"tag": "p", "cls": "x", "children": [evil]}, "plain"], "toMark": True}
    assert page.text[0].value == "clicked None"
