"""Files put into the chat: read at once, asked instead of a kept base, thrown away by the service in time."""

from typing import Any

import streamlit as st

from webui.client.conversations import ConversationDetail
from webui.client.temporary import temporary
from webui.inert.labels import plain
from webui.parts import troubles
from webui.parts.chat.state import ChatState
from webui.parts.visit import Visit
from webui.words import chat


def attach(visit: Visit, state: ChatState, conversation: ConversationDetail | None, files: list[Any]) -> None:
    """Read files into a base of their own; a conversation about kept documents ends, another begins."""
    say = visit.say
    base = state.files_base
    if conversation is not None:
        base = temporary(conversation.knowledge_bases)
        if base is None:
            state.open(None)
    names = ", ".join(file.name for file in files)
    with troubles.shown(say), st.spinner(say(chat.READING, name=plain(names))):
        found = visit.service.temporary.attach([(file.name, file) for file in files], base)
        state.files_base = found.base
        for failed in found.failed:
            st.warning(f"{say(chat.READ_FAILED, name=plain(failed.name))} {plain(failed.reason)}")


def draw_attached(visit: Visit, base: str) -> None:
    """Say which files are asked."""
    names = ", ".join(document.name for document in visit.service.documents(base).all())
    st.caption(f":material/attach_file: {visit.say(chat.ABOUT_FILES, names=plain(names))}")
