"""API keys: make, list, revoke."""

import streamlit as st

from webui.client.system import Key
from webui.pages.system import words
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell.times import shown
from webui.shell.visit import Visit

_MADE = "key_made"


def draw_keys(visit: Visit) -> None:
    """Draw the form and the list."""
    _draw_form(visit)
    for key in visit.service.keys.all():
        _draw_key(visit, key)


def _draw_form(visit: Visit) -> None:
    say = visit.say
    made = st.session_state.pop(_MADE, None)
    if made:
        st.success(say(words.KEY_SHOWN), icon=":material/key:")
        st.code(made, language=None)
    with st.expander(say(words.KEY_MAKE), icon=":material/add:"), st.form("key", border=False):
        name = st.text_input(say(words.KEY_NAME), max_chars=200)
        scope = st.radio(
            say(words.SCOPE), list(words.SCOPES), format_func=lambda one: say(words.SCOPES[one]), horizontal=True
        )
        names = [base.name for base in visit.service.bases.all()]
        bases = st.multiselect(say(words.KEY_BASES), names, placeholder=say(words.KEY_ALL))
        if st.form_submit_button(say(words.KEY_MAKE), type="primary"):
            with troubles.shown(say):
                st.session_state[_MADE] = visit.service.keys.create(name.strip(), scope, bases)
                st.rerun()


def _draw_key(visit: Visit, key: Key) -> None:
    say = visit.say
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"key_{key.id}"):
        st.markdown(f"**{plain(key.name)}**")
        st.badge(say(words.SCOPES[key.scope]), color="gray")
        bases = say(words.KEY_ALL) if key.knowledge_bases is None else ", ".join(key.knowledge_bases)
        st.caption(f"{plain(bases)} · {say(words.CREATED, time=shown(key.created))}")
        if key.revoked:
            st.badge(say(words.REVOKED), color="red")
        elif key.id == visit.me.id:
            st.badge(say(words.YOURS), color="blue")
        elif st.button(say(words.REVOKE), key=f"revoke_{key.id}", type="tertiary", icon=":material/block:"):
            visit.service.keys.revoke(key.id)
            st.rerun()
