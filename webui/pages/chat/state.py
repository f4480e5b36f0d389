"""What the chat page remembers between runs of the script; the conversation itself is kept by the service."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

_KEY = "chat"
_ADDRESS = "c"


@dataclass
class Asking:
    """A question that is about to be asked: where, and with which options of the request."""

    question: str
    bases: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class ChatState:
    """One visitor's chat.

    `files_base` has attached files, asked instead of a kept base. `broken_off` says that an answer was begun and not
    seen to its end. `shown` is the conversation that the panel was set to.
    """

    conversation: str | None = None
    asking: Asking | None = None
    broken_off: bool = False
    editing: str | None = None
    files_base: str | None = None
    shown: str | None = None

    def open(self, conversation: str | None) -> None:
        """Go to a conversation, or to a new one."""
        self.conversation, self.asking, self.editing = conversation, None, None
        self.broken_off, self.files_base, self.shown = False, None, None
        show_address(conversation)


def chat_state() -> ChatState:
    """Return this visit's chat; after a refresh the address says which conversation it was."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = ChatState(st.query_params.get(_ADDRESS))
    state: ChatState = st.session_state[_KEY]
    show_address(state.conversation)
    return state


def ask_later(question: str, base: str) -> None:
    """Ask a question in a new conversation as soon as the chat is shown."""
    state = chat_state()
    state.open(None)
    state.asking = Asking(question, (base,))


def show_address(conversation: str | None) -> None:
    """Put the conversation into the browser's address."""
    if conversation is None:
        st.query_params.pop(_ADDRESS, None)
    elif st.query_params.get(_ADDRESS) != conversation:
        st.query_params[_ADDRESS] = conversation
