"""An answer while it comes: each piece is shown at once, and the stop button works before the first one too."""

from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from webui.client.answers import Step
from webui.client.chat import PastMessage
from webui.client.conversations import ConversationDetail
from webui.pages.chat import words as chat
from webui.pages.chat.messages import AVATARS, draw_steps, draw_text
from webui.pages.chat.state import Asking, ChatState
from webui.shell.phrases import Say
from webui.shell.visit import Visit

_LOOKS, _LOOK_SECONDS = 20, 0.1


def stream_answer(visit: Visit, state: ChatState, asking: Asking) -> None:
    """Ask, show the answer as it comes, and go on to the kept conversation."""
    service = visit.service
    with st.chat_message("user", avatar=AVATARS["user"]):
        draw_text(asking.question, "asking")
    if state.conversation is None:
        state.conversation = service.conversations.begin(asking.bases, asking.question[:200]).id
    body = {"knowledge_bases": list(asking.bases), "question": asking.question, **asking.options}
    state.broken_off = True  # until it has ended
    with st.chat_message("assistant", avatar=AVATARS["assistant"]):
        view = _View(visit.say, st.empty(), st.empty(), st.empty())
        st.button(visit.say(chat.STOP), icon=":material/stop_circle:", key="stop")
        with service.ask({**body, "conversation_id": state.conversation}) as events:
            for event in events:
                view.take(event)
    state.broken_off = False
    st.rerun()


def settled(visit: Visit, state: ChatState, conversation: ConversationDetail) -> ConversationDetail:
    """Return a conversation with the answer that was broken off: the service keeps it a moment after we hang up."""
    for _ in range(_LOOKS if state.broken_off else 0):
        if conversation.messages and conversation.messages[-1].role == "assistant":
            break
        sleep(_LOOK_SECONDS)
        conversation = visit.service.conversations.find(conversation.id)
    state.broken_off = False
    return conversation


@dataclass
class _View:
    """What is seen of an answer so far."""

    say: Say
    doing: DeltaGenerator
    words: DeltaGenerator
    status: DeltaGenerator
    began: float = field(default_factory=monotonic)
    found: int | None = None
    text: str = ""
    steps: dict[int, Step] = field(default_factory=dict)

    def take(self, event: PastMessage) -> None:
        """Show what an event brings."""
        match event.name:
            case "token":
                self.text += event.data["text"]
                self.words.text(f"{self.text} ▌")
                return
            case "retrieved":
                self.found = len(event.data["hits"])
            case "step":
                self._take_step(event.data)
        seconds = round(monotonic() - self.began)
        searching = self.found is None
        said = self.say(chat.SEARCHING if searching else chat.THINKING, found=self.found or 0, seconds=seconds)
        self.status.caption(said)

    def _take_step(self, data: dict[str, Any]) -> None:
        step = Step.model_validate(data)
        self.steps[step.number] = step
        self.text = ""  # what a model says before it calls a tool is no part of the answer
        self.words.empty()
        with self.doing.container():
            draw_steps(list(self.steps.values()))
