"""Chat with documents."""

import re
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from webui.client.answers import Step
from webui.client.bases import Base
from webui.client.chat import PastMessage
from webui.client.conversations import ConversationDetail
from webui.client.errors import Busy, NotThere
from webui.client.service import Service
from webui.client.temporary import temporary
from webui.pages.bases.choosing import draw_no_base
from webui.pages.chat import words as chat
from webui.pages.chat.conversation_list import draw_conversations
from webui.pages.chat.messages import AVATARS, draw_messages, draw_steps, draw_text
from webui.pages.chat.panel import Panel, draw_panel
from webui.pages.chat.sources import draw_hits
from webui.pages.chat.state import Asking, ChatState, chat_state
from webui.safe.component import show
from webui.safe.labels import plain
from webui.safe.nodes import lines
from webui.shell import troubles
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


def draw_search(visit: Visit, panel: Panel, question: str) -> None:
    """Show what a question finds in the chosen bases."""
    with st.chat_message("user", avatar=AVATARS["user"]):
        draw_text(question, "searched")
    with st.chat_message("assistant", avatar=":material/manage_search:"):
        hits = visit.service.search.find(panel.bases, question, panel.k, panel.only)
        draw_hits(visit.say, hits, "found", expanded=True)


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


_EXAMPLES, _CANDIDATES = 4, 12

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def draw(visit: Visit) -> None:
    """Draw the page."""
    state = chat_state()
    bases = visit.service.bases.all()
    conversation = _kept(visit, state)
    with visit.side:
        draw_conversations(visit, state)
        panel = draw_panel(visit, bases, _bases_to_show(state, conversation)) if bases else None
    if panel is None:
        draw_no_base(visit)
        return
    if _take_question(visit, state, panel, conversation):
        conversation = None
    _draw_middle(visit, state, panel, bases, conversation)


def _take_question(visit: Visit, state: ChatState, panel: Panel, conversation: ConversationDetail | None) -> bool:
    """Take what is asked or attached; says whether that begins another conversation."""
    asked = _draw_input(visit, may_attach=visit.me.may("write") and panel.mode != "search")
    if asked is None:
        return False
    text, files = asked
    if files:
        attach(visit, state, conversation, files)
    elif _elsewhere(panel, conversation):
        state.open(None)
    if text.strip():
        state.asking = Asking(text, _bases_to_ask(state, panel, conversation))
    return conversation is not None and state.conversation is None


def _draw_input(visit: Visit, may_attach: bool) -> tuple[str, list[Any]] | None:
    """Return the text and the files that were sent; None if nothing was."""
    asked = st.chat_input(
        visit.say(chat.ASK_OR_ATTACH if may_attach else chat.ASK),
        key="question",
        max_chars=8000,
        accept_file="multiple" if may_attach else False,
    )
    if not asked:
        return None
    return (asked, []) if isinstance(asked, str) else (asked.text, asked.files)


def _elsewhere(panel: Panel, conversation: ConversationDetail | None) -> bool:
    """Say whether the panel names other bases than the conversation is about."""
    if conversation is None or temporary(conversation.knowledge_bases):
        return False
    return panel.mode != "search" and set(conversation.knowledge_bases) != set(panel.bases)


def _bases_to_ask(state: ChatState, panel: Panel, conversation: ConversationDetail | None) -> tuple[str, ...]:
    if state.conversation is not None and conversation is not None:
        return conversation.knowledge_bases
    return (state.files_base,) if state.files_base else tuple(panel.bases)


def _bases_to_show(state: ChatState, conversation: ConversationDetail | None) -> tuple[str, ...]:
    """Return the bases that the panel should go to, once when a conversation is opened."""
    if conversation is None or state.shown == conversation.id:
        return ()
    state.shown = conversation.id
    return conversation.knowledge_bases


def _draw_middle(
    visit: Visit, state: ChatState, panel: Panel, bases: list[Base], conversation: ConversationDetail | None
) -> None:
    hello = st.empty()  # cleared at once when there is a conversation, not only when its answer is there
    files = temporary(conversation.knowledge_bases) if conversation else state.files_base
    if files:
        draw_attached(visit, files)
    if conversation is not None:
        draw_messages(visit, state, conversation)
    elif state.asking is None:
        with hello.container():
            _draw_hello(visit, state, panel, bases)
    asking, state.asking = state.asking, None
    if asking is None:
        return
    if panel.mode == "search":
        draw_search(visit, panel, asking.question)
    else:
        options = panel.options_for(asking.bases)
        stream_answer(visit, state, Asking(asking.question, asking.bases, options))


def _kept(visit: Visit, state: ChatState) -> ConversationDetail | None:
    if state.conversation is None:
        return None
    try:
        return settled(visit, state, visit.service.conversations.find(state.conversation))
    except NotThere:
        state.open(None)
        return None


def _draw_hello(visit: Visit, state: ChatState, panel: Panel, bases: list[Base]) -> None:
    say = visit.say
    st.space("medium")
    st.header(say(chat.HELLO), anchor=False)
    st.write(say(chat.HELLO_MORE))
    base = next(one for one in bases if one.name == panel.bases[0])
    if base.description:
        show(lines(base.description), key="about_base")
    if not base.documents:
        st.info(say(chat.EMPTY_BASE, base=plain(base.name)), icon=":material/inbox:")
        return
    _draw_examples(visit, state, base)


def _draw_examples(visit: Visit, state: ChatState, base: Base) -> None:
    try:
        questions = _examples(visit.service, base.name, base.chunks)
    except Busy:
        return  # one can ask without them
    if not questions:
        return
    st.caption(visit.say(chat.EXAMPLES))
    for place, question in enumerate(_own_language_first(visit.say, questions)[:_EXAMPLES]):
        if st.button(plain(question), key=f"example_{place}", icon=":material/arrow_outward:"):
            state.asking = Asking(question, (base.name,))
            st.rerun()


def _own_language_first(say: Say, questions: list[str]) -> list[str]:
    return sorted(questions, key=lambda one: bool(_CHINESE.search(one)) != (say.language == "zh"))


@st.cache_data(ttl=600, show_spinner=False, max_entries=500)
def _examples(_service: Service, base: str, chunks: int) -> list[str]:  # noqa: ARG001 - other chunks, other questions
    return _service.bases.questions(base, _CANDIDATES)
