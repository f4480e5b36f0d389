"""Chat: answers as events or as one object."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal, Self, cast

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Caller, Scope
from kb_server.answering.ask import Ask
from kb_server.answering.contract import answer_json, hit_json, step_json
from kb_server.answering.conversation import Kept
from kb_server.api import streams as sse
from kb_server.api.asking import answer_events, bases_named, kept_events
from kb_server.api.auth import CurrentCaller, audited
from kb_server.api.fields import BaseName, Question, Taken, example
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.knn import KnnChoice, KnnTrace, knn_choice
from kb_server.api.v1.search import Hit, Only
from kb_server.catalog.conversations import Conversation
from kb_server.core.answers import AnswerEvent, AnswerMode, Done, Message, Retrieved, Token
from kb_server.core.answers import Step as StepEvent
from kb_server.core.errors import UsageError

_LONGEST_MESSAGE = 100_000

Name = Annotated[str, Field(min_length=1, max_length=200)]


class PastMessage(Taken):
    """An earlier message of the conversation, where the client keeps it."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=_LONGEST_MESSAGE)]

    def message(self) -> Message:
        """Return it as the services take it."""
        return Message(self.role, self.content.encode("utf-8", "replace").decode("utf-8"))


class Bases(Taken):
    """Which bases: `knowledge_base` for one, or `knowledge_bases` for one or several."""

    knowledge_base: BaseName | None = None
    knowledge_bases: Annotated[tuple[BaseName, ...], Field(max_length=50)] = ()

    @property
    def bases(self) -> tuple[str, ...]:
        """Their names, each once, in the order given."""
        return tuple(dict.fromkeys(self.knowledge_bases or (self.knowledge_base or "",)))

    @model_validator(mode="after")
    def _named_one_way(self) -> Self:
        if bool(self.knowledge_bases) == (self.knowledge_base is not None):
            raise ValueError("give either knowledge_base or knowledge_bases")
        return self


class Chat(Bases):
    """A question: with `conversation_id` (or `keep`, which begins one) the service keeps the conversation.

    What is null is as the settings of the service say. `threshold` is the least score of a passage that is used; what
    comes after it is for written answers, as are `model` and `prompt`: names that `GET /api/v1/models` lists.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"knowledge_base": "handbook", "question": "Who signs travel requests?"},
                {"knowledge_bases": ["handbook", "manuals"], "question": "Who signs travel requests?"},
                {"knowledge_base": "handbook", "question": "Who signs?", "model": "glm4", "prompt": "brief"},
            ]
        }
    )

    question: Question
    history: Annotated[tuple[PastMessage, ...], Field(max_length=100)] = ()
    conversation_id: Annotated[str, Field(max_length=64)] | None = None
    keep: bool = False
    mode: AnswerMode | None = None
    model: Name | None = None
    prompt: Name | None = None
    k: Annotated[int, Field(ge=1, le=100)] | None = None
    only: Only = Only()
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=4096)] | None = None
    reasoning: bool | None = None
    samples: Annotated[int, Field(ge=1, le=16)] | None = None
    knn_lm: KnnChoice = None
    stream: bool = True


class Citation(BaseModel):
    """A quote that backs a sentence; `supported` says that its numbers and names stand in the chunk."""

    number: int
    knowledge_base: str
    chunk_id: int
    document: str
    page: int | None
    start: int
    end: int
    quote: str
    supported: bool
    edited: bool = False
    document_id: int | None = None


class Step(BaseModel):
    """A tool that the model called, and what came back."""

    number: int
    tool: str
    arguments: dict[str, Any]
    result: str | None


class Answer(BaseModel):
    """An answer with what backs it; ids are there if the conversation is kept.

    `reasoning` is what the model thought before it, `agreement` the share of samples that said the same, `notes` what
    the reader should know, `confidence` how likely it is that the documents hold the answer.
    """

    answer: str
    refused: bool
    citations: list[Citation]
    hits: list[Hit]
    mode: AnswerMode
    model: str | None
    prompt: str | None = None
    timings_ms: dict[str, float]
    reasoning: str | None = None
    agreement: float | None = None
    notes: list[str] = []
    confidence: float | None = None
    steps: list[Step] = []
    knn_lm: KnnTrace | None = None
    conversation_id: str | None = None
    message_id: str | None = None


class Feedback(Taken):
    """What a person thinks of an answer: 0 (bad) to 100 (good)."""

    model_config = example(message_id="0123456789abcdef0123456789abcdef", score=90)

    message_id: Annotated[str, Field(max_length=64)]
    score: Annotated[int, Field(ge=0, le=100)]
    reason: Annotated[str, Field(max_length=4000)] = ""


router = APIRouter(prefix="/api/v1", tags=["chat"])

Events = AsyncIterator[AnswerEvent] | AsyncIterator[AnswerEvent | Kept]


@router.post("/chat", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})
async def chat(asked: Chat, service: CurrentService, caller: CurrentCaller) -> Answer | StreamingResponse:
    """Answer a question: events `retrieved`, `token`…, `done`, of an agent `step` too; else what `done` has."""
    conversation = await run_in_threadpool(_earlier, asked, service, caller)
    scope = bases_named(service, caller, asked.bases)
    events: Events
    if conversation or asked.keep:
        events = await kept_events(service, caller, scope, _ask(asked), conversation)
    else:
        events = await answer_events(service, caller, scope, _ask(asked))
    if asked.stream:
        return sse.stream(_encoded(events))
    return await _drained(events)


@router.post("/feedback", status_code=204, dependencies=[audited("answer.feedback", Scope.READ)])
def give_feedback(feedback: Feedback, service: CurrentService, caller: CurrentCaller) -> Response:
    """Keep what a person thinks of an answer of a kept conversation."""
    service.app.catalog.conversations.rate(caller.id, feedback.message_id, feedback.score, feedback.reason)
    return Response(status_code=204)


def _earlier(asked: Chat, service: Service, caller: Caller) -> Conversation | None:
    if asked.conversation_id is None:
        return None
    conversation = service.app.catalog.conversations.find(caller.id, asked.conversation_id)
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
    return Ask(question=asked.question, history=history, filters=asked.only.filter(), knn=knn, **chosen)


async def _encoded(events: Events) -> AsyncIterator[bytes]:
    done: dict[str, Any] = {}
    try:
        async with aclosing(cast("Any", events)):
            async for event in events:
                match event:
                    case Retrieved(hits):
                        yield sse.event({"hits": [hit_json(hit) for hit in hits]}, "retrieved")
                    case StepEvent():
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
