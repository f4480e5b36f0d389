"""Answers within a conversation that is kept here, so that nothing is lost when a page is closed or a process dies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kb_server.catalog.conversations import Conversation, Conversations, Turn
from kb_server.domain import Answer, AnswerEvent, Done, Message, Token
from kb_server.services.answering import Answers, Asked
from kb_server.services.shapes import answer_json

_TITLE_LENGTH = 60
_HISTORY_TURNS = 6  # as many as a prompt takes


@dataclass(frozen=True, slots=True)
class Kept:
    """The event after Done: the answer is stored under this id, in this conversation."""

    conversation_id: str
    message_id: str


class Conversing:
    """Asks within stored conversations."""

    def __init__(self, rows: Conversations) -> None:
        self._rows = rows

    def begin(self, owner: str, bases: Sequence[str], question: str) -> Conversation:
        """Begin a conversation that is named after its first question."""
        title = " ".join(question.split())
        return self._rows.create(
            owner, bases, title if len(title) <= _TITLE_LENGTH else title[: _TITLE_LENGTH - 1] + "…"
        )

    def stream(self, conversation: Conversation, answering: Answers, asked: Asked) -> Iterator[AnswerEvent | Kept]:
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
