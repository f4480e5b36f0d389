"""Signing in and out with an API key."""

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from webui.client.errors import SignedOut
from webui.client.service import Service
from webui.shell import words as common
from webui.shell.phrases import Say
from webui.shell.session_keys import COOKIE, session_keys

_SERVICE = "service"
_TICKET = "ticket"
_LEAVING = "leaving"
_SCRIPT = """
let sent = "";
export default function ({ data }) {
  if (sent === data.ticket) return;
  sent = data.ticket;
  fetch("/session", data.ticket === "leave" ? { method: "DELETE" } : { method: "POST", body: data.ticket });
}
"""


def signed_in_service() -> Service | None:
    """Return the service for who is signed in, in this visit or (after a refresh) by the browser's mark."""
    if _SERVICE not in st.session_state and not st.session_state.get(_LEAVING):
        _recognise()
    service: Service | None = st.session_state.get(_SERVICE)
    # Said in every run until it is done: one that is followed by another at once may never be drawn.
    ticket = st.session_state.get(_TICKET, "")
    if service is not None and session_keys().waits(ticket):
        _send(ticket)
    if service is None and st.session_state.get(_LEAVING):
        _send("leave")
    return service


def draw_sign_in(say: Say) -> None:
    """Ask for a key."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.space("large")
        st.title(say(common.WELCOME))
        st.write(say(common.WELCOME_MORE))
        with st.form("sign_in", border=True):
            key = st.text_input(
                say(common.API_KEY), type="password", help=say(common.API_KEY_HELP), autocomplete="current-password"
            )
            if st.form_submit_button(say(common.SIGN_IN), type="primary", width="stretch"):
                _enter(say, key.strip())


def sign_out() -> None:
    """Forget who this is, here and in the browser."""
    st.session_state.clear()
    st.session_state[_LEAVING] = True


def _enter(say: Say, key: str) -> None:
    if not key:
        st.error(say(common.API_KEY_EMPTY))
        return
    service = Service(st.secrets["service"], key)
    try:
        _ = service.me
    except SignedOut:
        st.error(say(common.API_KEY_WRONG))
        return
    st.session_state[_SERVICE] = service
    st.session_state[_TICKET] = session_keys().ticket(key)
    st.session_state.pop(_LEAVING, None)
    st.rerun()


def _recognise() -> None:
    """Sign in by the browser's mark, or without a key where the service wants none."""
    key = session_keys().key(st.context.cookies.get(COOKIE, ""))
    service = Service(st.secrets["service"], key or "")
    try:
        _ = service.me
    except SignedOut:
        return
    st.session_state[_SERVICE] = service


def _send(ticket: str) -> None:
    _messenger()(data={"ticket": ticket}, key=f"messenger_{ticket}")


@cache
def _messenger() -> Callable[..., Any]:
    made: Callable[..., Any] = st.components.v2.component("kb_session", js=_SCRIPT)
    return made
