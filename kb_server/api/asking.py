"""Asking bases over HTTP, for every router that answers questions."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from kb_server.access.keys import Caller
from kb_server.answering.ask import Ask
from kb_server.answering.conversation import ConversationWriter, Kept
from kb_server.api.auth import base_named
from kb_server.api.concurrency import BoundedExecutor
from kb_server.api.service import Service
from kb_server.catalog.conversations import Conversation
from kb_server.core.answers import Answer, AnswerEvent, Done, Retrieved
from kb_server.core.domain import KnowledgeBase
from kb_server.text.tokens import count_tokens


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of question, history and passages, and of the answer; estimated without a model, as chunks are cut."""

    prompt: int
    answer: int


Scope = Callable[[], Sequence[KnowledgeBase]]
"""Finds the bases that are asked, in the thread that answers; their rows are handed on and not read again."""


async def answer_events(service: Service, caller: Caller, scope: Scope, ask: Ask) -> AsyncIterator[AnswerEvent]:
    """Return the events of an answer; errors before the first are raised here."""

    def start() -> Iterator[AnswerEvent]:
        return service.app.answering.events(ask, scope(), caller)

    return await _executor(service, ask).stream(start)


async def kept_events(
    service: Service, caller: Caller, scope: Scope, ask: Ask, earlier: Conversation | None = None
) -> AsyncIterator[AnswerEvent | Kept]:
    """As `answer_events`, in a conversation that is kept (a new one unless given); so the answer can be rated."""

    def start() -> Iterator[AnswerEvent | Kept]:
        answering, bases = service.app.answering, scope()
        asked = answering.resolve(ask, len(bases))
        answerer = answering.answerer(asked, bases, caller)
        writer = ConversationWriter(service.app.catalog.conversations)
        conversation = earlier or writer.begin(caller.id, [base.name for base in bases], ask.question)
        return writer.stream(conversation, answerer, asked)

    return await _executor(service, ask).stream(start)


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


def bases_named(service: Service, caller: Caller, names: Sequence[str]) -> Scope:
    """Return what finds the bases of these names that the caller may see."""
    return lambda: [base_named(service, caller, name) for name in dict.fromkeys(names)]


def _executor(service: Service, ask: Ask) -> BoundedExecutor:
    return service.executor_of(ask.mode_or(service.app.settings.answering.mode))
