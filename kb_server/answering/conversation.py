"""Answers within a conversation that is kept here, so that nothing is lost when a page is closed or a process dies."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from kb_server.answering.answering import Answerer, ResolvedQuestion
from kb_server.answering.contract import answer_json
from kb_server.catalog.conversations import Conversation, Conversations, Turn
from kb_server.core.answers import Answer, AnswerEvent, Done, Message, Token

_MARKS = re.compile(r"([\\`*_\[\]#|~])")

_CITATION = re.compile(r"\\\[(\d+)\\\]")

_SPEAKERS = {"user": "**?**", "assistant": "**→**"}


def transcript(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """Return the conversation. What was asked, answered or quoted is shown as text: none of it becomes markup."""
    bases = _inert(", ".join(conversation.bases))
    head = f"# {_inert(conversation.title)}\n\n{bases} · {conversation.created:%Y-%m-%d %H:%M} UTC\n"
    return "\n".join([head, *(_turn(turn) for turn in turns)])


def _turn(turn: Turn) -> str:
    text = _CITATION.sub(r"[\1]", _inert(turn.content))
    said = f"{_SPEAKERS[turn.role]} {text}{'' if turn.complete else ' …'}\n"
    citations = (turn.answer or {}).get("citations", [])
    several = len({citation.get("knowledge_base") for citation in citations}) > 1
    return "\n".join([said, *(_citation(citation, several) for citation in citations)])


def _citation(citation: dict[str, Any], several: bool) -> str:
    page = "" if citation["page"] is None else f", p. {citation['page']}"
    base = f"{_inert(citation['knowledge_base'])} · " if several else ""
    quote = " ".join(_inert(citation["quote"]).split())
    return f"> [{citation['number']}] {base}{_inert(citation['document'])}{page}: {quote}\n"


def _inert(text: str) -> str:
    lines = _MARKS.sub(r"\\\1", html.escape(text, quote=False)).splitlines()
    return "\n".join(line.strip() for line in lines)


_TITLE_LENGTH = 60

_HISTORY_TURNS = 6  # as many as a prompt takes


@dataclass(frozen=True, slots=True)
class Kept:
    """The event after Done: the answer is stored under this id, in this conversation."""

    conversation_id: str
    message_id: str


class ConversationWriter:
    """Asks within stored conversations."""

    def __init__(self, rows: Conversations) -> None:
        self._rows = rows

    def begin(self, owner: str, bases: Sequence[str], question: str) -> Conversation:
        """Begin a conversation that is named after its first question."""
        title = " ".join(question.split())
        return self._rows.create(
            owner, bases, title if len(title) <= _TITLE_LENGTH else title[: _TITLE_LENGTH - 1] + "…"
        )

    def stream(
        self, conversation: Conversation, answering: Answerer, asked: ResolvedQuestion
    ) -> Iterator[AnswerEvent | Kept]:
        """Yield the events of an answer, then Kept.

        The question is stored before it is answered, an answer that is broken off as far as it got.
        """
        history = (*asked.history, *_history(self._rows.turns(conversation.id)))
        self._rows.say(conversation.id, "user", asked.question)
        pieces: list[str] = []
        answer: Answer | None = None
        try:
            for event in answering.stream(replace(asked, history=history)):
                if isinstance(event, Done):
                    answer = event.answer
                elif isinstance(event, Token):
                    pieces.append(event.text)
                yield event
        finally:
            kept = self._keep(conversation, pieces, answer)
        yield Kept(conversation.id, kept)

    def _keep(self, conversation: Conversation, pieces: list[str], answer: Answer | None) -> str:
        if answer is None:
            return self._rows.say(conversation.id, "assistant", "".join(pieces), complete=False)
        return self._rows.say(conversation.id, "assistant", answer.text, answer_json(answer))


def _history(turns: Sequence[Turn]) -> list[Message]:
    """Return the last questions that were answered to the end, each with its answer."""
    answered = [pair for pair in pairwise(turns) if pair[0].role == "user" and pair[1].role == "assistant"]
    kept = [turn for pair in answered if pair[1].complete for turn in pair]
    return [Message(turn.role, turn.content) for turn in kept[-_HISTORY_TURNS:]]
