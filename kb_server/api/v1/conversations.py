"""Conversations that the service keeps; each key sees its own."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from kb_server.answering.conversation import transcript
from kb_server.api.auth import CurrentCaller, base_named
from kb_server.api.fields import Taken, example
from kb_server.api.service import CurrentService
from kb_server.api.v1.chat import Bases
from kb_server.catalog.conversations import Conversation as StoredConversation
from kb_server.catalog.conversations import Turn as StoredTurn


class NewConversation(Bases):
    """A conversation to begin."""

    model_config = example(knowledge_base="handbook", title="Travel")

    title: Annotated[str, Field(min_length=1, max_length=200)]


class NewTitle(Taken):
    """Another title for a conversation."""

    model_config = example(title="Travel requests")

    title: Annotated[str, Field(min_length=1, max_length=200)]


class Conversation(BaseModel):
    """A conversation that the service keeps; `knowledge_base` is the first of its `knowledge_bases`."""

    id: str
    knowledge_base: str
    knowledge_bases: list[str]
    title: str
    created: datetime


class Turn(BaseModel):
    """A message; an answer has its citations in `answer` and is `complete` unless it was broken off."""

    id: str
    role: str
    content: str
    answer: dict[str, Any] | None
    complete: bool
    score: int | None
    reason: str | None
    created: datetime


class ConversationDetail(Conversation):
    """A conversation with its messages."""

    messages: list[Turn]


class Conversations(BaseModel):
    """Conversations of the caller, newest first."""

    conversations: list[Conversation]


router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"])


@router.get("")
def list_conversations(
    service: CurrentService,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    text: Annotated[str, Query(max_length=200)] = "",
) -> Conversations:
    """List the caller's conversations, newest first; with `text`, those that have it in title or messages."""
    found = service.app.catalog.conversations.of(caller.id, limit, text.replace("\0", ""))
    return Conversations(conversations=[_conversation(one) for one in found])


@router.post("", status_code=201)
def begin_conversation(new: NewConversation, service: CurrentService, caller: CurrentCaller) -> Conversation:
    """Begin a conversation."""
    names = [base_named(service, caller, name).name for name in new.bases]
    return _conversation(service.app.catalog.conversations.create(caller.id, names, new.title))


@router.get("/{conversation_id}")
def get_conversation(conversation_id: str, service: CurrentService, caller: CurrentCaller) -> ConversationDetail:
    """Return a conversation with its messages."""
    found = service.app.catalog.conversations.find(caller.id, conversation_id)
    turns = [_turn(one) for one in service.app.catalog.conversations.turns(found.id)]
    return ConversationDetail(**_conversation(found).model_dump(), messages=turns)


@router.get("/{conversation_id}/markdown", response_class=Response)
def export_conversation(conversation_id: str, service: CurrentService, caller: CurrentCaller) -> Response:
    """Return a conversation as a Markdown file to keep, with where each answer is from."""
    found = service.app.catalog.conversations.find(caller.id, conversation_id)
    text = transcript(found, service.app.catalog.conversations.turns(found.id))
    headers = {"Content-Disposition": 'attachment; filename="conversation.md"'}
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)


@router.patch("/{conversation_id}")
def rename_conversation(
    conversation_id: str, new: NewTitle, service: CurrentService, caller: CurrentCaller
) -> Conversation:
    """Give a conversation another title."""
    service.app.catalog.conversations.rename(caller.id, conversation_id, new.title)
    return _conversation(service.app.catalog.conversations.find(caller.id, conversation_id))


@router.delete("/{conversation_id}", status_code=204)
def delete_conversation(conversation_id: str, service: CurrentService, caller: CurrentCaller) -> Response:
    """Delete a conversation with its messages."""
    service.app.catalog.conversations.delete(caller.id, conversation_id)
    return Response(status_code=204)


@router.delete("/{conversation_id}/messages/{message_id}", status_code=204)
def take_back(conversation_id: str, message_id: str, service: CurrentService, caller: CurrentCaller) -> Response:
    """Delete a message and all after it, so that a question can be asked again or in other words."""
    service.app.catalog.conversations.take_back(caller.id, conversation_id, message_id)
    return Response(status_code=204)


def _conversation(one: StoredConversation) -> Conversation:
    first, names = one.bases[0], list(one.bases)
    return Conversation(id=one.id, knowledge_base=first, knowledge_bases=names, title=one.title, created=one.created)


def _turn(one: StoredTurn) -> Turn:
    return Turn.model_validate(one, from_attributes=True)
