"""The script that Streamlit runs for every visit: who is it, in which language, which page."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from webui.client.service import Service
from webui.pages.bases import screen as bases
from webui.pages.chat import screen as chat
from webui.pages.evaluation import screen as evaluation
from webui.pages.knn import screen as knn
from webui.pages.system import screen as system
from webui.shell import signing, troubles
from webui.shell import words as common
from webui.shell.language import choose_language, draw_language, tell_browser
from webui.shell.phrases import Phrase, Say
from webui.shell.visit import Visit

_WEBUI = Path(__file__).parents[1]  # this script stands apart: Streamlit takes a folder `pages` beside it for its own
# Path, title, icon, whether it takes the window's width, and what draws it.
_PAGES: tuple[tuple[str, Phrase, str, bool, Callable[[Visit], None]], ...] = (
    ("chat", common.CHAT, ":material/forum:", False, chat.draw),
    ("bases", common.BASES, ":material/folder_open:", True, bases.draw),
    ("evaluation", common.EVALUATION, ":material/monitoring:", True, evaluation.draw),
    ("knn", common.KNN, ":material/hub:", True, knn.draw),
    ("system", common.SYSTEM, ":material/dns:", True, system.draw),
)


def main() -> None:
    """Draw the page."""
    say = choose_language()
    icon = str(_WEBUI / "icon.png")
    st.set_page_config(say(common.APP), page_icon=icon)
    st.logo(icon, size="large")
    st.html(_WEBUI / "page.css")
    tell_browser(say)
    with troubles.shown(say):
        service = signing.signed_in_service()
        if service is None:
            alone = st.Page(partial(signing.draw_sign_in, say), title=say(common.SIGN_IN))
            st.navigation([alone], position="hidden").run()
            return
        _draw(service, say)


def _draw(service: Service, say: Say) -> None:
    side = st.sidebar.container()
    with st.sidebar, st.container(horizontal=True, vertical_alignment="center", key="about_me"):
        draw_language(say)
        st.button(say(common.SIGN_OUT), icon=":material/logout:", type="tertiary", on_click=signing.sign_out)
    visit = Visit(service, say, side)
    pages = [
        st.Page(partial(_page, draw, visit, wide), title=say(title), icon=icon, url_path=path, default=path == "chat")
        for path, title, icon, wide, draw in _PAGES
    ]
    st.session_state["chat_page"] = pages[0]
    st.navigation(pages, position="top").run()


def _page(draw: Callable[[Visit], None], visit: Visit, wide: bool) -> None:
    st.set_page_config(layout="wide" if wide else "centered")
    with troubles.shown(visit.say):
        draw(visit)


main()
