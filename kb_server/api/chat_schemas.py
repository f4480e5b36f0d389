"""What the chat and conversation routes of `/api/v1` take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kb_server.api.knn_schemas import KnnChoice, KnnTrace
from kb_server.api.schemas import BaseName, Hit, Only, Question, Taken, example
from kb_server.domain import AnswerMode, Message

_LONGEST_MESSAGE = 100_000
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Said(Taken):
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
    history: Annotated[tuple[Said, ...], Field(max_length=100)] = ()
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


class Feedback(Taken):
    """What a person thinks of an answer: 0 (bad) to 100 (good)."""

    model_config = example(message_id="0123456789abcdef0123456789abcdef", score=90)

    message_id: Annotated[str, Field(max_length=64)]
    score: Annotated[int, Field(ge=0, le=100)]
    reason: Annotated[str, Field(max_length=4000)] = ""
