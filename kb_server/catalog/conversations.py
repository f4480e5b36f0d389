"""Rows of conversations and their messages."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from kb_server.catalog.database import Database
from kb_server.catalog.schema import conversations, messages, now
from kb_server.core.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation of one owner about one base or several, by their names."""

    id: str
    owner: str
    bases: tuple[str, ...]
    title: str
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A message as it is kept: `answer` has the citations and the rest of an answer, as JSON.

    An answer is `complete` unless it was broken off. `score` (0 to 100) and `reason` are a person's feedback.
    """

    id: str
    role: str
    content: str
    answer: dict[str, Any] | None
    complete: bool
    score: int | None
    reason: str | None
    created: datetime


class Conversations:
    """The conversations of a catalog; each is seen by its owner only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, bases: Sequence[str], title: str) -> Conversation:
        """Begin a conversation under a random id."""
        made = Conversation(id=secrets.token_hex(16), owner=owner, bases=tuple(bases), title=title, created=now())
        row = {name: getattr(made, name) for name in ("id", "owner", "title", "created")}
        row |= {"base": made.bases[0], "bases": list(bases) if len(bases) > 1 else None}
        with self._database.writing() as connection:
            connection.execute(insert(conversations).values(row))
        return made

    def find(self, owner: str, id_: str) -> Conversation:
        """Return an owner's conversation; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(conversations).where(_mine(owner, id_))).first()
        if row is None:
            raise _unknown(id_)
        return _conversation(row)

    def of(self, owner: str, limit: int, text: str = "") -> list[Conversation]:
        """Return an owner's conversations, newest first; with `text`, those that have it in title or messages."""
        query = select(conversations).where(conversations.c.owner == owner)
        if text:
            said = select(messages.c.conversation_id).where(messages.c.content.icontains(text, autoescape=True))
            titled = conversations.c.title.icontains(text, autoescape=True)
            query = query.where(titled | conversations.c.id.in_(said))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(conversations.c.number.desc()).limit(limit))
            return [_conversation(row) for row in rows]

    def rename(self, owner: str, id_: str, title: str) -> None:
        """Give a conversation another title; raises NotFound."""
        with self._database.writing() as connection:
            if not connection.execute(update(conversations).where(_mine(owner, id_)).values(title=title)).rowcount:
                raise _unknown(id_)

    def delete(self, owner: str, id_: str) -> None:
        """Remove a conversation with its messages; raises NotFound."""
        with self._database.writing() as connection:
            if not connection.execute(delete(conversations).where(_mine(owner, id_))).rowcount:
                raise _unknown(id_)

    def say(
        self, id_: str, role: str, content: str, answer: dict[str, Any] | None = None, complete: bool = True
    ) -> str:
        """Add a message and return its id."""
        row = {"id": secrets.token_hex(16), "conversation_id": id_, "role": role, "content": content}
        with self._database.writing() as connection:
            connection.execute(insert(messages).values(**row, answer=answer, complete=complete, created=now()))
        return row["id"]

    def turns(self, id_: str) -> list[Turn]:
        """Return a conversation's messages in order."""
        query = select(messages).where(messages.c.conversation_id == id_).order_by(messages.c.number)
        with self._database.reading() as connection:
            return [_turn(row) for row in connection.execute(query)]

    def take_back(self, owner: str, id_: str, message_id: str) -> None:
        """Remove a message and all after it; raises NotFound."""
        mine = select(conversations.c.id).where(_mine(owner, id_)).scalar_subquery()
        here = messages.c.conversation_id == mine
        with self._database.writing() as connection:
            number = connection.execute(select(messages.c.number).where(here, messages.c.id == message_id)).scalar()
            if number is None:
                raise NotFound(f"There is no message '{message_id}' here.", "Read the conversation again.")
            connection.execute(delete(messages).where(here, messages.c.number >= number))

    def rate(self, owner: str, message_id: str, score: int, reason: str) -> None:
        """Keep feedback on an answer; raises NotFound for a message that is no answer to this owner."""
        mine = select(conversations.c.id).where(conversations.c.owner == owner)
        answered = messages.c.conversation_id.in_(mine) & (messages.c.role == "assistant")
        row = update(messages).where(messages.c.id == message_id, answered).values(score=score, reason=reason)
        with self._database.writing() as connection:
            if not connection.execute(row).rowcount:
                raise NotFound(f"There is no answer '{message_id}'.", "Take the id from the answer's last event.")


def _mine(owner: str, id_: str) -> ColumnElement[bool]:
    return (conversations.c.owner == owner) & (conversations.c.id == id_)


def _unknown(id_: str) -> NotFound:
    return NotFound(f"There is no conversation '{id_}'.", "List yours with: GET /api/v1/conversations")


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(
        id=row.id, owner=row.owner, bases=tuple(row.bases or [row.base]), title=row.title, created=row.created
    )


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        id=row.id,
        role=row.role,
        content=row.content,
        answer=row.answer,
        complete=row.complete,
        score=row.score,
        reason=row.reason,
        created=row.created,
    )
