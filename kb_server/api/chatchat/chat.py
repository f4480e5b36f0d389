"""Chat as Langchain-Chatchat's clients know it (its 0.3)."""

import secrets
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict

from kb_server.access.keys import Caller, Scope
from kb_server.answering.ask import Ask
from kb_server.answering.conversation import Kept
from kb_server.api import streams as sse
from kb_server.api.asking import answer_events, kept_events
from kb_server.api.auth import CurrentCaller, audited
from kb_server.api.chatchat.bases import chatchat_base
from kb_server.api.chatchat.schemas import Feedback, FileChat, KbChat, ToolCall, envelope, near_enough, source
from kb_server.api.openai.chat import references
from kb_server.api.openai.schemas import ChatRequest
from kb_server.api.service import CurrentService, Service
from kb_server.core.answers import Answer, AnswerEvent, Done, Retrieved, Token
from kb_server.core.domain import Hit, KnowledgeBase
from kb_server.core.errors import Forbidden, UsageError
from kb_server.text.terms import script

_USUAL = "default"  # what their clients call the prompt that everybody has

_UNKNOWN = {
    "other": "There is no {} '{}' here; the usual one answered.",
    "cjk": "这里没有名为“{1}”的{0}，已按默认设置回答。",
}

_KINDS = {"other": ("model", "prompt"), "cjk": ("模型", "提示词")}


@dataclass(frozen=True, slots=True)
class Named:
    """A question with the model and prompt that are set up here, and what to say of names that are not."""

    ask: Ask
    notes: Sequence[str]


def named(ask: Ask, model: str | None, prompt: str | None, models: Collection[str], prompts: Collection[str]) -> Named:
    """Use the names that are among those set up; a client that sends others is answered as if it had sent none."""
    language = script(ask.question)
    kinds = zip(_KINDS[language], (model, prompt), (models, prompts), strict=True)
    unknown = [(kind, name) for kind, name, known in kinds if name and name != _USUAL and name not in known]
    notes = [_UNKNOWN[language].format(kind, name[:80]) for kind, name in unknown]
    chosen = replace(ask, model=model if model in models else None, prompt=prompt if prompt in prompts else None)
    return Named(chosen, notes)


router = APIRouter(tags=["Chatchat-compatible"])

Events = AsyncIterator[AnswerEvent | Kept]


class BaseCompletion(ChatRequest):
    """OpenAI's chat with their additions."""

    model_config = ConfigDict(extra="ignore")

    model: str = "kb"
    prompt_name: str | None = None
    top_k: int = 3
    score_threshold: float = 2.0
    return_direct: bool = False


@router.post("/chat/kb_chat", response_model=None)
async def kb_chat(asked: KbChat, service: CurrentService, caller: CurrentCaller) -> dict[str, Any] | StreamingResponse:
    """Answer from a base: chunks as OpenAI has them, the first with `docs`, the last with `message_id`."""
    if asked.mode == "search_engine":
        raise UsageError("This service does not search the web.", "Use the mode 'local_kb' or 'temp_kb'.")
    question = _named(service, asked.ask(), asked.model or asked.model_name, asked.prompt_name)
    name = asked.kb_name.strip()
    talk = _Talk(name, question, asked.model or name, asked.score_threshold, asked.return_direct)
    return await talk.answer(service, caller, asked.stream)


@router.post("/knowledge_base/{mode}/{param}/chat/completions", response_model=None)
async def base_completions(
    mode: Literal["local_kb", "temp_kb"],  # noqa: ARG001 - both are bases here
    param: str,
    asked: BaseCompletion,
    service: CurrentService,
    caller: CurrentCaller,
) -> dict[str, Any] | StreamingResponse:
    """Do the same for OpenAI's clients, with the base in the address."""
    question = _named(service, asked.ask(), asked.model, asked.prompt_name)
    talk = _Talk(param.strip(), question, asked.model, asked.score_threshold, asked.return_direct)
    return await talk.answer(service, caller, bool(asked.stream))


@router.post("/chat/file_chat", response_class=StreamingResponse)
async def file_chat(asked: FileChat, service: CurrentService, caller: CurrentCaller) -> StreamingResponse:
    """Answer from temporary files: events with `answer`, then one with `docs`."""
    name = asked.knowledge_id.strip()
    question = _named(service, asked.ask(), asked.model_name or asked.model, asked.prompt_name)
    scope = partial(_scope, service, caller, name)
    events = await answer_events(service, caller, scope, question.ask)
    return sse.stream(_pieces(asked.score_threshold, events, question.notes))


@router.post("/chat/feedback", dependencies=[audited("answer.feedback", Scope.READ)])
def feedback(given: Feedback, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Keep what a person thinks of an answer."""
    service.app.catalog.conversations.rate(caller.id, given.message_id, given.score, given.reason)
    return envelope(f"已反馈聊天记录 {given.message_id}", {"message_id": given.message_id, "score": given.score})


@router.get("/tools")
def list_tools(caller: CurrentCaller) -> dict[str, Any]:  # noqa: ARG001 - any valid key may ask
    """List the tools that may be called: none."""
    return envelope(data={})


@router.post("/tools/call", dependencies=[audited("tool.call", Scope.READ)])
def call_tool(called: ToolCall) -> dict[str, Any]:
    """Refuse: no tool can be called from outside."""
    raise Forbidden(f"The tool '{called.name[:80]}' cannot be called.", "This service lets no tool be called by name.")


class _Talk:
    """One answer in the shape of their chat."""

    def __init__(self, base: str, question: Named, model: str, threshold: float, documents_only: bool) -> None:
        self._base = base
        self._ask = question.ask
        self._notes = question.notes
        self._threshold = threshold
        self._documents_only = documents_only
        self._made = {"id": f"chat{secrets.token_hex(16)}", "created": int(time.time()), "model": model}

    async def answer(self, service: Service, caller: Caller, stream: bool) -> dict[str, Any] | StreamingResponse:
        scope = partial(_scope, service, caller, self._base)
        chunks = self._chunks(await kept_events(service, caller, scope, self._ask))
        if stream:
            return sse.stream(_encoded(chunks))
        return self._whole([chunk async for chunk in chunks])

    async def _chunks(self, events: Events) -> AsyncIterator[dict[str, Any]]:
        done: Answer | None = None
        async with aclosing(cast("Any", events)):
            async for event in events:
                match event:
                    case Retrieved(hits):
                        yield self._chunk("", docs=self._sources(hits))
                        if self._documents_only:
                            return
                    case Token(text):
                        yield self._chunk(text)
                    case Done(answer):
                        done = answer
                    case Kept(_, message_id):
                        yield self._last_chunk(done, message_id)

    def _last_chunk(self, done: Answer | None, message_id: str) -> dict[str, Any]:
        found = references(done) if done else []
        notes = [*self._notes, *(done.notes if done else ())]
        return self._chunk("", "stop", message_id=message_id, references=found, notes=notes)

    def _sources(self, hits: tuple[Hit, ...]) -> list[str]:
        near = [hit for hit in hits if near_enough(hit, self._threshold)]
        return [source(number, hit) for number, hit in enumerate(near, 1)]

    def _chunk(self, content: str, finish: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        delta = {"role": "assistant", "content": content, "tool_calls": []}
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._made, "object": "chat.completion.chunk", "choices": [choice], "is_ref": "docs" in more, **more}

    def _whole(self, chunks: list[dict[str, Any]]) -> dict[str, Any]:
        text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        more: dict[str, Any] = {
            key: chunk[key] for chunk in chunks for key in ("docs", "message_id", "references", "notes") if key in chunk
        }
        return {**self._made, "object": "chat.completion", "choices": [choice], **more}


def _scope(service: Service, caller: Caller, name: str) -> list[KnowledgeBase]:
    return [chatchat_base(service, caller, name)]


def _named(service: Service, ask: Ask, model: str | None, prompt: str | None) -> Named:
    return named(ask, model, prompt, service.app.settings.generation.names, service.app.answering.prompts.names())


async def _pieces(threshold: float, events: AsyncIterator[AnswerEvent], notes: Sequence[str]) -> AsyncIterator[bytes]:
    sources: list[str] = []
    try:
        async with aclosing(cast("Any", events)):
            async for event in events:
                if isinstance(event, Retrieved):
                    near = [hit for hit in event.hits if near_enough(hit, threshold)]
                    sources = [source(number, hit) for number, hit in enumerate(near, 1)]
                elif isinstance(event, Token):
                    yield sse.event({"answer": event.text})
        yield sse.event({"docs": sources, "notes": notes})
    except Exception as error:  # noqa: BLE001 - the edge: the status is sent already, so the stream itself says it
        yield sse.event(envelope(sse.failure(error)["message"], code=500))


async def _encoded(chunks: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    try:
        async with aclosing(cast("Any", chunks)):
            async for chunk in chunks:
                yield sse.event(chunk)
    except Exception as error:  # noqa: BLE001 - as above
        yield sse.event(envelope(sse.failure(error)["message"], code=500))
