"""The conversations: find, open, rename, export, delete."""

import streamlit as st

from webui.client.conversations import Conversation
from webui.pages.chat import words as chat
from webui.pages.chat.state import ChatState
from webui.safe.labels import plain, shortened
from webui.shell import words as common
from webui.shell.visit import Visit

_SHOWN = 100
_TITLE = 34


def draw_conversations(visit: Visit, state: ChatState) -> None:
    """List them, newest first."""
    say = visit.say
    if st.button(say(chat.NEW), icon=":material/edit_square:", width="stretch", type="primary", key="new_chat"):
        state.open(None)
        st.rerun()
    wanted = st.text_input(
        say(chat.FIND_CONVERSATION),
        placeholder=say(chat.FIND_CONVERSATION),
        icon=":material/search:",
        label_visibility="collapsed",
        key="find_conversation",
    )
    found = visit.service.conversations.latest(_SHOWN, wanted.strip())
    if wanted and not found:
        st.caption(say(chat.NO_CONVERSATION))
    with st.container(height=320 if len(found) > 7 else "content", border=False, gap=None, key="conversations"):
        for conversation in found:
            _draw_one(visit, state, conversation)


def _draw_one(visit: Visit, state: ChatState, one: Conversation) -> None:
    say = visit.say
    here = one.id == state.conversation
    with st.container(horizontal=True, gap=None, vertical_alignment="center", wrap=False, key=f"row_{one.id}"):
        label = plain(shortened(one.title, _TITLE))
        if st.button(
            f"**{label}**" if here else label,
            key=f"open_{one.id}",
            type="tertiary",
            width="stretch",
            help=plain(one.title),
        ):
            state.open(one.id)
            st.rerun()
        choices = {"rename": chat.RENAME, "export": chat.EXPORT, "delete": common.DELETE}
        chosen = st.menu_button(
            "",
            list(choices),
            format_func=lambda choice: say(choices[choice]),
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"menu_{one.id}",
            help=say(chat.MORE),
        )
    if chosen == "rename":
        _rename(visit, one)
    elif chosen == "export":
        _export(visit, one)
    elif chosen == "delete":
        _delete(visit, state, one)


def _rename(visit: Visit, one: Conversation) -> None:
    say = visit.say

    @st.dialog(say(chat.RENAME_TITLE))
    def ask() -> None:
        title = st.text_input(say(chat.TITLE), one.title, max_chars=200)
        if st.button(say(common.SAVE), type="primary", disabled=not title.strip()):
            visit.service.conversations.rename(one.id, title.strip())
            st.rerun()

    ask()


def _export(visit: Visit, one: Conversation) -> None:
    @st.dialog(visit.say(chat.EXPORT))
    def offer() -> None:
        st.text(one.title)
        st.download_button(
            visit.say(common.DOWNLOAD),
            visit.service.conversations.markdown(one.id),
            f"{shortened(one.title, 40)}.md".replace("/", "-"),
            "text/markdown",
            type="primary",
            icon=":material/download:",
        )

    offer()


def _delete(visit: Visit, state: ChatState, one: Conversation) -> None:
    say = visit.say

    @st.dialog(say(chat.DELETE_TITLE))
    def ask() -> None:
        st.write(say(chat.DELETE_MORE, title=plain(one.title)))
        if st.button(say(common.DELETE), type="primary", icon=":material/delete:"):
            visit.service.conversations.delete(one.id)
            if state.conversation == one.id:
                state.open(None)
            st.rerun()

    ask()
