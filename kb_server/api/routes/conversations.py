"""Conversations that the service keeps; each key sees its own."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from kb_server.api.chat_schemas import Conversation, ConversationDetail, Conversations, NewConversation, NewTitle, Turn
from kb_server.api.service import CurrentCaller, CurrentService, base_named
from kb_server.catalog.conversations import Conversation as StoredConversation
from kb_server.catalog.conversations import Turn as StoredTurn
from kb_server.services.transcript import transcript

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"])


@router.get("")
def list_conversations(
    service: CurrentService,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    text: Annotated[str, Query(max_length=200)] = "",
) -> Conversations:
    """List the caller's conversations, newest first; with `text`, those that have it in title or messages."""
    found = service.app.conversations.of(caller.id, limit, text.replace("\0", ""))
    return Conversations(conversations=[_conversation(one) for one in found])


@router.post("", status_code=201)
def begin_conversation(new: NewConversation, service: CurrentService, caller: CurrentCaller) -> Conversation:
    """Begin a conversation."""
    names = [base_named(service, caller, name).name for name in new.bases]
    return _conversation(service.app.conversations.create(caller.id, names, new.title))


@router.get("/{conversation_id}")
def get_conversation(conversation_id: str, service: CurrentService, caller: CurrentCaller) -> ConversationDetail:
    """Return a conversation with its messages."""
    found = service.app.conversations.find(caller.id, conversation_id)
    turns = [_turn(one) for one in service.app.conversations.turns(found.id)]
    return ConversationDetail(**_conversation(found).model_dump(), messages=turns)


@router.get("/{conversation_id}/markdown", response_class=Response)
def export_conversation(conversation_id: str, service: CurrentService, caller: CurrentCaller) -> Response:
    """Return a conversation as a Markdown file to keep, with where each answer is from."""
    found = service.app.conversations.find(caller.id, conversation_id)
    text = transcript(found, service.app.conversations.turns(found.id))
    headers = {"Content-Disposition": 'attachment; filename="conversation.md"'}
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)


@router.patch("/{conversation_id}")
def rename_conversation(
    conversation_id: str, new: NewTitle, service: CurrentService, caller: CurrentCaller
) -> Conversation:
    """Give a conversation another title."""
    service.app.conversations.rename(caller.id, conversation_id, new.title)
    return _conversation(service.app.conversations.find(caller.id, conversation_id))


@router.delete("/{conversation_id}", status_code=204)
def delete_conversation(conversation_id: str, service: CurrentService, caller: CurrentCaller) -> Response:
    """Delete a conversation with its messages."""
    service.app.conversations.delete(caller.id, conversation_id)
    return Response(status_code=204)


@router.delete("/{conversation_id}/messages/{message_id}", status_code=204)
def take_back(conversation_id: str, message_id: str, service: CurrentService, caller: CurrentCaller) -> Response:
    """Delete a message and all after it, so that a question can be asked again or in other words."""
    service.app.conversations.take_back(caller.id, conversation_id, message_id)
    return Response(status_code=204)


def _conversation(one: StoredConversation) -> Conversation:
    first, names = one.bases[0], list(one.bases)
    return Conversation(id=one.id, knowledge_base=first, knowledge_bases=names, title=one.title, created=one.created)


def _turn(one: StoredTurn) -> Turn:
    return Turn.model_validate(one, from_attributes=True)
