"""Chat: answers as events or as one object."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, cast

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from kb_server.api import sse
from kb_server.api.chat_schemas import Answer, Chat, Feedback
from kb_server.api.service import CurrentCaller, CurrentService, Service, audited, base_named
from kb_server.catalog.conversations import Conversation
from kb_server.domain import AnswerEvent, Done, Retrieved, Token
from kb_server.errors import UsageError
from kb_server.services.answering import Asked
from kb_server.services.conversing import Conversing, Kept
from kb_server.services.keys import Caller, Scope
from kb_server.services.shapes import answer_json, hit_json

router = APIRouter(prefix="/api/v1", tags=["chat"])

Events = Iterator[AnswerEvent | Kept]


@router.post("/chat", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})
async def chat(asked: Chat, service: CurrentService, caller: CurrentCaller) -> Answer | StreamingResponse:
    """Answer a question: events `retrieved`, `token`…, `done`; with `stream` false, what `done` has."""
    conversation = await run_in_threadpool(_conversation, asked, service, caller)
    events = await service.chats.stream(lambda: _events(asked, service, caller, conversation))
    if asked.stream:
        return sse.stream(_encoded(events, conversation))
    return await _drained(events, conversation)


@router.post("/feedback", status_code=204, dependencies=[audited("answer.feedback", Scope.READ)])
def give_feedback(feedback: Feedback, service: CurrentService, caller: CurrentCaller) -> Response:
    """Keep what a person thinks of an answer of a kept conversation."""
    service.app.conversations.rate(caller.id, feedback.message_id, feedback.score, feedback.reason)
    return Response(status_code=204)


def _conversation(asked: Chat, service: Service, caller: Caller) -> Conversation | None:
    base_named(service, caller, asked.knowledge_base)
    if asked.conversation_id is None:
        return (
            Conversing(service.app.conversations).begin(caller.id, asked.knowledge_base, asked.question)
            if asked.keep
            else None
        )
    conversation = service.app.conversations.find(caller.id, asked.conversation_id)
    if asked.history:
        raise UsageError("A kept conversation has its own history.", "Leave out `history` or `conversation_id`.")
    if conversation.base != asked.knowledge_base:
        raise UsageError(
            f"The conversation is about '{conversation.base}', not '{asked.knowledge_base}'.", "Begin another one."
        )
    return conversation


def _events(asked: Chat, service: Service, caller: Caller, conversation: Conversation | None) -> Events:
    base = base_named(service, caller, asked.knowledge_base)
    answering = service.app.answering(base.name)
    question = Asked(
        asked.question,
        asked.mode or service.app.settings.answering.mode,
        asked.k or service.app.settings.retrieval.k,
        asked.only.filter(),
        tuple(said.message() for said in asked.history),
    )
    if conversation is None:
        return answering.stream(question)
    return Conversing(service.app.conversations).stream(conversation, answering, question)


async def _encoded(
    events: AsyncIterator[AnswerEvent | Kept], conversation: Conversation | None
) -> AsyncIterator[bytes]:
    done: dict[str, Any] | None = None
    try:
        async with aclosing(cast("Any", events)):
            async for event in events:
                match event:
                    case Retrieved(hits):
                        yield sse.event({"hits": [hit_json(hit) for hit in hits]}, "retrieved")
                    case Token(text):
                        yield sse.event({"text": text}, "token")
                    case Done(answer):
                        done = answer_json(answer)
                    case Kept(message_id):
                        done = {**(done or {}), "message_id": message_id}
        yield sse.event({"conversation_id": conversation.id if conversation else None, **(done or {})}, "done")
    except Exception as error:  # noqa: BLE001 - the edge: the status is sent already, so the stream itself says it
        yield sse.event(sse.failure(error), "error")


async def _drained(events: AsyncIterator[AnswerEvent | Kept], conversation: Conversation | None) -> Answer:
    values: dict[str, Any] = {}
    async for event in events:
        if isinstance(event, Done):
            values = answer_json(event.answer)
        elif isinstance(event, Kept):
            values["message_id"] = event.message_id
    return Answer(conversation_id=conversation.id if conversation else None, **values)
