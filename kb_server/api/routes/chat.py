"""Chat: answers as events or as one object."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from kb_server.api import sse
from kb_server.api.asking import Ask, answer_events, kept_events
from kb_server.api.chat_schemas import Answer, Chat, Feedback
from kb_server.api.knn_schemas import knn_choice
from kb_server.api.service import CurrentCaller, CurrentService, Service, audited
from kb_server.catalog.conversations import Conversation
from kb_server.domain import AnswerEvent, Done, Retrieved, Step, Token
from kb_server.errors import UsageError
from kb_server.services.conversing import Kept
from kb_server.services.keys import Caller, Scope
from kb_server.services.shapes import answer_json, hit_json, step_json

router = APIRouter(prefix="/api/v1", tags=["chat"])

Events = AsyncIterator[AnswerEvent] | AsyncIterator[AnswerEvent | Kept]


@router.post("/chat", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})
async def chat(asked: Chat, service: CurrentService, caller: CurrentCaller) -> Answer | StreamingResponse:
    """Answer a question: events `retrieved`, `token`…, `done`, of an agent `step` too; else what `done` has."""
    conversation = await run_in_threadpool(_earlier, asked, service, caller)
    events: Events
    if conversation or asked.keep:
        events = await kept_events(service, caller, _ask(asked), conversation)
    else:
        events = await answer_events(service, caller, _ask(asked))
    if asked.stream:
        return sse.stream(_encoded(events))
    return await _drained(events)


@router.post("/feedback", status_code=204, dependencies=[audited("answer.feedback", Scope.READ)])
def give_feedback(feedback: Feedback, service: CurrentService, caller: CurrentCaller) -> Response:
    """Keep what a person thinks of an answer of a kept conversation."""
    service.app.conversations.rate(caller.id, feedback.message_id, feedback.score, feedback.reason)
    return Response(status_code=204)


def _earlier(asked: Chat, service: Service, caller: Caller) -> Conversation | None:
    if asked.conversation_id is None:
        return None
    conversation = service.app.conversations.find(caller.id, asked.conversation_id)
    if asked.history:
        raise UsageError("A kept conversation has its own history.", "Leave out `history` or `conversation_id`.")
    if set(conversation.bases) != set(asked.bases):
        kept, named = (", ".join(f"'{name}'" for name in names) for names in (conversation.bases, asked.bases))
        raise UsageError(f"The conversation is about {kept}, not {named}.", "Begin another one.")
    return conversation


def _ask(asked: Chat) -> Ask:
    names = ("mode", "model", "prompt", "k", "threshold", "temperature", "top_p", "max_tokens", "reasoning", "samples")
    chosen = {name: getattr(asked, name) for name in names}
    history, knn = [said.message() for said in asked.history], knn_choice(asked.knn_lm)
    return Ask(asked.bases, asked.question, history, filters=asked.only.filter(), knn=knn, **chosen)


async def _encoded(events: Events) -> AsyncIterator[bytes]:
    done: dict[str, Any] = {}
    try:
        async with aclosing(cast("Any", events)):
            async for event in events:
                match event:
                    case Retrieved(hits):
                        yield sse.event({"hits": [hit_json(hit) for hit in hits]}, "retrieved")
                    case Step():
                        yield sse.event(step_json(event), "step")
                    case Token(text):
                        yield sse.event({"text": text}, "token")
                    case Done() | Kept():
                        done |= _final(event)
        yield sse.event(done, "done")
    except Exception as error:  # noqa: BLE001 - the edge: the status is sent already, so the stream itself says it
        yield sse.event(sse.failure(error), "error")


async def _drained(events: Events) -> Answer:
    values: dict[str, Any] = {}
    async for event in events:
        if isinstance(event, Done | Kept):
            values |= _final(event)
    return Answer(**values)


def _final(event: Done | Kept) -> dict[str, Any]:
    if isinstance(event, Kept):
        return {"conversation_id": event.conversation_id, "message_id": event.message_id}
    return answer_json(event.answer)
