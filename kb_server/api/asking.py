"""Asking bases, for every router that answers questions."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kb_server.access.keys import Caller
from kb_server.answering.answering import Answerer, ResolvedQuestion
from kb_server.answering.conversation import ConversationWriter, Kept
from kb_server.api.service import Service, base_named
from kb_server.catalog.conversations import Conversation
from kb_server.core.answers import Answer, AnswerEvent, AnswerMode, Done, Message, Retrieved, Technique
from kb_server.core.domain import Filter
from kb_server.core.knn_lm import KnnAsk
from kb_server.text.tokens import count_tokens


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to one base or several, by name; what is None is as the settings say."""

    bases: Sequence[str]
    question: str
    history: Sequence[Message] = ()
    mode: AnswerMode | None = None
    k: int | None = None
    filters: Filter | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    knn: bool | Mapping[str, Any] | None = None
    threshold: float | None = None
    reasoning: bool | None = None
    samples: int | None = None
    model: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of question, history and passages, and of the answer; estimated without a model, as chunks are cut."""

    prompt: int
    answer: int


async def answer_events(service: Service, caller: Caller, ask: Ask) -> AsyncIterator[AnswerEvent]:
    """Return the events of an answer; errors before the first are raised here."""
    lane = service.lane_of(_way(service, ask)[0])
    return await lane.stream(lambda: _answering(service, caller, ask).stream(_asked(service, ask)))


async def kept_events(
    service: Service, caller: Caller, ask: Ask, earlier: Conversation | None = None
) -> AsyncIterator[AnswerEvent | Kept]:
    """As `answer_events`, in a conversation that is kept (a new one unless given); so the answer can be rated."""

    def start() -> Iterator[AnswerEvent | Kept]:
        answering = _answering(service, caller, ask)
        conversing = ConversationWriter(service.app.conversations)
        conversation = earlier or conversing.begin(caller.id, ask.bases, ask.question)
        return conversing.stream(conversation, answering, _asked(service, ask))

    return await service.lane_of(_way(service, ask)[0]).stream(start)


def _answering(service: Service, caller: Caller, ask: Ask) -> Answerer:
    asked: dict[str, Any] = {"max_tokens": ask.max_tokens, "temperature": ask.temperature, "top_p": ask.top_p}
    changes = {key: value for key, value in asked.items() if value is not None}
    sampling = replace(service.app.sampling(ask.model), **changes)
    names = [base_named(service, caller, name).name for name in ask.bases]
    if _way(service, ask)[0] is AnswerMode.AGENT:
        return service.app.agent(names, caller, sampling)
    return service.app.answering(names, sampling)


def _asked(service: Service, ask: Ask) -> ResolvedQuestion:
    settings = service.app.settings
    mode, knn = _way(service, ask)
    technique = Technique(
        settings.answering.reasoning if ask.reasoning is None else ask.reasoning,
        ask.samples or settings.answering.samples,
    )
    k, history = ask.k or settings.retrieval.k, tuple(ask.history)
    return ResolvedQuestion(
        ask.question, mode, k, ask.filters, history, technique, ask.threshold, knn, ask.model, ask.prompt
    )


def _way(service: Service, ask: Ask) -> tuple[AnswerMode, KnnAsk | None]:
    return service.app.way(ask.mode, ask.knn, ask.model, ask.prompt, len(ask.bases))


async def whole_answer(events: AsyncIterator[AnswerEvent]) -> Answer:
    """Drain the events and return the answer."""
    last: AnswerEvent = Retrieved(())
    async for event in events:
        last = event
    if not isinstance(last, Done):
        raise TypeError(f"an answer ended with {last!r}")
    return last.answer


def usage_of(ask: Ask, answer: Answer) -> Usage:
    """Count what an answer took."""
    texts = [ask.question, *(message.content for message in ask.history), *(hit.chunk.text for hit in answer.hits)]
    return Usage(sum(count_tokens(text) for text in texts), count_tokens(answer.text))
