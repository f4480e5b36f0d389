"""What the chat and conversation routes of `/api/v1` take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kb_server.api.knn_schemas import KnnChoice, KnnTrace
from kb_server.api.schemas import BaseName, Hit, Only, Question, Taken
from kb_server.domain import AnswerMode, Message

_LONGEST_MESSAGE = 100_000


class Said(Taken):
    """An earlier message of the conversation, where the client keeps it."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=_LONGEST_MESSAGE)]

    def message(self) -> Message:
        """Return it as the services take it."""
        return Message(self.role, self.content.encode("utf-8", "replace").decode("utf-8"))


class Chat(Taken):
    """A question: with `conversation_id` (or `keep`, which begins one) the service keeps the conversation."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"knowledge_base": "handbook", "question": "Who signs travel requests?"}]}
    )

    knowledge_base: BaseName
    question: Question
    history: Annotated[tuple[Said, ...], Field(max_length=100)] = ()
    conversation_id: Annotated[str, Field(max_length=64)] | None = None
    keep: bool = False
    mode: AnswerMode | None = None
    k: Annotated[int, Field(ge=1, le=100)] | None = None
    only: Only = Only()
    knn_lm: KnnChoice = None
    stream: bool = True


class Citation(BaseModel):
    """A quote that backs a sentence; `supported` says that its numbers and names stand in the chunk."""

    number: int
    chunk_id: int
    document: str
    page: int | None
    start: int
    end: int
    quote: str
    supported: bool
    edited: bool = False


class Step(BaseModel):
    """A tool that the model called, and what came back."""

    number: int
    tool: str
    arguments: dict[str, Any]
    result: str | None


class Answer(BaseModel):
    """An answer with what backs it; ids are there if the conversation is kept."""

    answer: str
    refused: bool
    citations: list[Citation]
    hits: list[Hit]
    mode: AnswerMode
    model: str | None
    timings_ms: dict[str, float]
    steps: list[Step] = []
    knn_lm: KnnTrace | None = None
    conversation_id: str | None = None
    message_id: str | None = None


class NewConversation(Taken):
    """A conversation to begin."""

    knowledge_base: BaseName
    title: Annotated[str, Field(min_length=1, max_length=200)]


class NewTitle(Taken):
    """Another title for a conversation."""

    title: Annotated[str, Field(min_length=1, max_length=200)]


class Conversation(BaseModel):
    """A conversation that the service keeps."""

    id: str
    knowledge_base: str
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


class Feedback(Taken):
    """What a person thinks of an answer: 0 (bad) to 100 (good)."""

    message_id: Annotated[str, Field(max_length=64)]
    score: Annotated[int, Field(ge=0, le=100)]
    reason: Annotated[str, Field(max_length=4000)] = ""
