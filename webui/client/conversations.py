"""Conversations that the service keeps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from webui.client.answers import Answer
from webui.client.connection import Connection, Shape

ROOT = "/api/v1/conversations"


class Conversation(Shape):
    """A conversation."""

    id: str
    knowledge_bases: tuple[str, ...]
    title: str
    created: datetime


class Turn(Shape):
    """A message; `answer` has what backs an answer that was finished."""

    id: str
    role: Literal["user", "assistant"]
    content: str
    answer: dict[str, Any] | None
    complete: bool
    score: int | None
    reason: str | None

    @property
    def backed(self) -> Answer | None:
        """Return the answer with its citations."""
        return Answer.model_validate(self.answer) if self.answer else None


class ConversationDetail(Conversation):
    """A conversation with its messages."""

    messages: list[Turn]


class Conversations:
    """One's own conversations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def latest(self, limit: int = 100, text: str = "") -> list[Conversation]:
        """Return the newest first; with `text`, those that have it in title or messages."""
        found = self._connection.get(ROOT, limit=limit, text=text or None)
        return [Conversation.model_validate(one) for one in found["conversations"]]

    def markdown(self, conversation_id: str) -> bytes:
        """Return one as a Markdown file."""
        return self._connection.content(f"{ROOT}/{conversation_id}/markdown")

    def begin(self, bases: Sequence[str], title: str) -> Conversation:
        """Begin one."""
        body = {"knowledge_bases": list(bases), "title": title}
        return Conversation.model_validate(self._connection.post(ROOT, body))

    def find(self, conversation_id: str) -> ConversationDetail:
        """Return one with its messages."""
        return ConversationDetail.model_validate(self._connection.get(f"{ROOT}/{conversation_id}"))

    def rename(self, conversation_id: str, title: str) -> None:
        """Give one another title."""
        self._connection.patch(f"{ROOT}/{conversation_id}", {"title": title})

    def delete(self, conversation_id: str) -> None:
        """Delete one."""
        self._connection.delete(f"{ROOT}/{conversation_id}")

    def take_back(self, conversation_id: str, message_id: str) -> None:
        """Remove a message and all after it."""
        self._connection.delete(f"{ROOT}/{conversation_id}/messages/{message_id}")

    def rate(self, message_id: str, score: int, reason: str = "") -> None:
        """Say what one thinks of an answer, 0 to 100."""
        self._connection.post("/api/v1/feedback", {"message_id": message_id, "score": score, "reason": reason})
