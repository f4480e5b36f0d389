"""`/v1/chat/completions` and `/v1/completions`: a base answers as if it were a model."""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Caller
from kb_server.answering.contract import citation_json, trace_json
from kb_server.api import streams as sse
from kb_server.api.asking import Ask, Usage, answer_events, usage_of, whole_answer
from kb_server.api.fields import example
from kb_server.api.openai.models import resolve
from kb_server.api.service import CurrentCaller, CurrentService, Service
from kb_server.api.v1.knn import KnnChoice, knn_choice
from kb_server.core.answers import Answer, AnswerEvent, Done, Message, Token
from kb_server.core.errors import UsageError

_LONGEST = 100_000


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Part(_Lenient):
    """A part of a message; only text is read."""

    type: str
    text: Annotated[str, Field(max_length=_LONGEST)] = ""


class OpenAiMessage(_Lenient):
    """A message."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=_LONGEST)] | Annotated[list[Part], Field(max_length=100)] | None = None

    @property
    def text(self) -> str:
        """The message's text."""
        if isinstance(self.content, str):
            return clean(self.content)
        return clean("\n".join(part.text for part in self.content or () if part.type == "text"))


class StreamOptions(_Lenient):
    """What a stream has besides."""

    include_usage: bool = False


class _Sampled(_Lenient):
    model: Annotated[str, Field(min_length=1, max_length=256)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    knn_lm: KnnChoice = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def sampling(self) -> dict[str, Any]:
        """How the answer is written, and whether with kNN-LM, as Ask takes it."""
        sampling = {"max_tokens": self.max_tokens, "temperature": self.temperature, "top_p": self.top_p}
        return {**sampling, "knn": knn_choice(self.knn_lm)}


class ChatRequest(_Sampled):
    """A chat: the last message is the question; system messages do not replace the service's own prompt."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"model": "handbook", "messages": [{"role": "user", "content": "Who signs travel requests?"}]}]
        },
    )

    messages: Annotated[list[OpenAiMessage], Field(min_length=1, max_length=500)]
    max_completion_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None

    def ask(self, base: str) -> Ask:
        """Return the question; raises UsageError if the last message is none."""
        talk = [said for said in self.messages if said.role in ("user", "assistant")]
        if not talk or talk[-1].role != "user" or not talk[-1].text:
            raise UsageError("The last message is no question of a user.", "End `messages` with role 'user'.")
        history = [Message(said.role, said.text) for said in talk[:-1]]
        sampling = {**self.sampling, "max_tokens": self.max_completion_tokens or self.max_tokens}
        return Ask([base], talk[-1].text, history, **sampling)


class CompletionRequest(_Sampled):
    """A completion: the prompt is the question."""

    model_config = example(model="handbook", prompt="Who signs?")

    prompt: Annotated[str, Field(max_length=_LONGEST)] | Annotated[list[str], Field(min_length=1, max_length=1)]

    def ask(self, base: str) -> Ask:
        """Return the question; raises UsageError if there is none."""
        prompt = clean(self.prompt if isinstance(self.prompt, str) else self.prompt[0])
        if not prompt:
            raise UsageError("The prompt is empty.", "Write the question into `prompt`.")
        return Ask([base], prompt, **self.sampling)


class EmbeddingRequest(_Lenient):
    """Texts to embed; tokens of another model's vocabulary mean nothing here."""

    model_config = example(model="all-MiniLM-L6-v2", input="Who signs?")

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: (
        Annotated[str, Field(max_length=_LONGEST)]
        | Annotated[list[Annotated[str, Field(max_length=_LONGEST)]], Field(min_length=1, max_length=256)]
    )
    encoding_format: Literal["float", "base64"] = "float"


def clean(text: str) -> str:
    """Take out what no database can store."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()


router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

Choice = Callable[[str | None, Answer | None], dict[str, Any]]


@router.post("/chat/completions", response_model=None)
async def chat(
    asked: ChatRequest, service: CurrentService, caller: CurrentCaller
) -> dict[str, Any] | StreamingResponse:
    """Answer the last message from the base that `model` names; `references` has the citations."""
    ask, events = await _begin(asked, service, caller)
    made = _made("chatcmpl", "chat.completion.chunk" if asked.stream else "chat.completion", asked.model)
    if asked.stream:
        return sse.stream(_encoded(_frames(made, _chat_delta, events), made, ask, asked.wants_usage))
    answer = await whole_answer(events)
    message = {"role": "assistant", "content": answer.text, **backing(answer)}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {**made, "choices": [choice], "usage": usage_json(usage_of(ask, answer))}


@router.post("/completions", response_model=None)
async def complete(
    asked: CompletionRequest, service: CurrentService, caller: CurrentCaller
) -> dict[str, Any] | StreamingResponse:
    """Answer the prompt from the base that `model` names."""
    ask, events = await _begin(asked, service, caller)
    made = _made("cmpl", "text_completion", asked.model)
    if asked.stream:
        return sse.stream(_encoded(_frames(made, _text_delta, events), made, ask, asked.wants_usage))
    answer = await whole_answer(events)
    choice = {**_text_delta(None, answer), "text": answer.text}
    return {**made, "choices": [choice], "usage": usage_json(usage_of(ask, answer))}


def references(answer: Answer) -> list[dict[str, Any]]:
    """Return the citations of an answer."""
    return [citation_json(citation) for citation in answer.citations]


def backing(answer: Answer) -> dict[str, Any]:
    """Return what backs an answer: its citations, and where its tokens came from if kNN-LM took part."""
    return {"references": references(answer), **({"knn_lm": trace_json(answer.knn)} if answer.knn else {})}


def usage_json(usage: Usage) -> dict[str, int]:
    """Return the usage as OpenAI has it."""
    total = usage.prompt + usage.answer
    return {"prompt_tokens": usage.prompt, "completion_tokens": usage.answer, "total_tokens": total}


async def _begin(
    asked: ChatRequest | CompletionRequest, service: Service, caller: Caller
) -> tuple[Ask, AsyncIterator[AnswerEvent]]:
    meant = await run_in_threadpool(resolve, service, caller, asked.model)
    ask = replace(asked.ask(meant.base), mode=meant.mode, model=meant.model)
    return ask, await answer_events(service, caller, ask)


def _made(prefix: str, kind: str, model: str) -> dict[str, Any]:
    return {"id": f"{prefix}-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": model}


def _chat_delta(text: str | None, answer: Answer | None) -> dict[str, Any]:
    delta: dict[str, Any] = {} if text is None else {"role": "assistant", "content": text}
    if answer:
        delta |= backing(answer)
    return {"index": 0, "delta": delta, "finish_reason": "stop" if answer else None, "logprobs": None}


def _text_delta(text: str | None, answer: Answer | None) -> dict[str, Any]:
    found = backing(answer) if answer else {}
    return {"index": 0, "text": text or "", "finish_reason": "stop" if answer else None, "logprobs": None, **found}


async def _frames(
    made: dict[str, Any], choice: Choice, events: AsyncIterator[AnswerEvent]
) -> AsyncIterator[dict[str, Any] | Answer]:
    """Yield a chunk for each piece of text and one for the end, then the answer."""
    async with aclosing(cast("Any", events)):
        async for event in events:
            if isinstance(event, Token):
                yield {**made, "choices": [choice(event.text, None)]}
            elif isinstance(event, Done):
                yield {**made, "choices": [choice(None, event.answer)]}
                yield event.answer


async def _encoded(
    frames: AsyncIterator[dict[str, Any] | Answer], made: dict[str, Any], ask: Ask, with_usage: bool
) -> AsyncIterator[bytes]:
    try:
        async with aclosing(cast("Any", frames)):
            async for frame in frames:
                if isinstance(frame, dict):
                    yield sse.event(frame)
                elif with_usage:
                    yield sse.event({**made, "choices": [], "usage": usage_json(usage_of(ask, frame))})
        yield sse.event("[DONE]")
    except Exception as error:  # noqa: BLE001 - the edge: the status is sent already, so the stream itself says it
        yield sse.event({"error": {**sse.failure(error), "type": "server_error", "param": None}})
