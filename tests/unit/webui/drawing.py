"""A visit for scripts that draw one part of a page."""

import streamlit as st

from webui.client.service import Service
from webui.shell.phrases import LanguageName, Say
from webui.shell.visit import Visit


def visit_of(url: str, language: LanguageName = "en") -> Visit:
    """Return the visit of somebody who is signed in."""
    return Visit(Service(url, "key"), Say(language), st.sidebar.container())
