"""`/v1/chat/completions` and `/v1/completions`: a base answers as if it were a model."""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Caller
from kb_server.answering.ask import Ask
from kb_server.answering.contract import citation_json, trace_json
from kb_server.api import streams as sse
from kb_server.api.asking import Usage, answer_events, usage_of, whole_answer
from kb_server.api.auth import CurrentCaller
from kb_server.api.openai.models import resolve
from kb_server.api.openai.schemas import ChatRequest, CompletionRequest
from kb_server.api.service import CurrentService, Service
from kb_server.core.answers import Answer, AnswerEvent, Done, Token

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
    ask = replace(asked.ask(), mode=meant.mode, model=meant.model)
    return ask, await answer_events(service, caller, lambda: [meant.base], ask)


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
