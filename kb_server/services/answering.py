"""Answering: retrieve, keep what is relevant enough, write or extract, and check what is cited."""

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Steps
from dataclasses import dataclass
from time import perf_counter

from kb_server.domain import (
    Answer,
    AnswerEvent,
    AnswerMode,
    Done,
    Filter,
    Fusion,
    Hit,
    Message,
    Retrieved,
    Sampling,
    Token,
)
from kb_server.generation.checking.support import normalised
from kb_server.generation.citing import Cited, cite_sentences, cite_written
from kb_server.generation.extracting import SentenceExtractor
from kb_server.generation.prompts import PromptBuilder
from kb_server.ports import Generator
from kb_server.retrieval.fusion import dense_weight
from kb_server.retrieval.hybrid import HybridRetriever
from kb_server.terms import script

REFUSALS = {"other": "The documents do not say.", "cjk": "文档中没有提到。"}
_POINTS_BACK = re.compile(
    r"\b(it|its|they|them|their|he|him|his|she|her|this|that|these|those|there|then)\b|[它他她其这那该此]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class AnsweringOptions:
    """How answers are made; see AnsweringSettings."""

    passages: int
    sentences: int
    threshold: float
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was put: how to answer it, from what, and after which conversation (itself left out)."""

    question: str
    mode: AnswerMode
    k: int
    filters: Filter | None = None
    history: Sequence[Message] = ()


class Answering:
    """Answers questions about one knowledge base."""

    def __init__(
        self,
        retriever: HybridRetriever,
        extractor: SentenceExtractor,
        prompts: PromptBuilder,
        generator: Callable[[], Generator],
        fusion: Fusion | None,
        options: AnsweringOptions,
    ) -> None:
        self._retriever = retriever
        self._extractor = extractor
        self._prompts = prompts
        self._generator = generator
        self._fusion = fusion
        self._options = options

    def ask(self, asked: Asked) -> Answer:
        """Return the whole answer: the last event of `stream`."""
        *_, last = self.stream(asked)
        if not isinstance(last, Done):
            raise TypeError(f"an answer ended with {last!r}")
        return last.answer

    def stream(self, asked: Asked) -> Iterator[AnswerEvent]:
        """Yield Retrieved, then Tokens, then Done. Closing the iterator stops the model."""
        started = perf_counter()
        hits = self._retriever.retrieve(standalone(asked.question, asked.history), asked.k, asked.filters)
        timings = {"retrieve": _milliseconds(started)}
        yield Retrieved(tuple(hits))
        relevant = [hit for hit in hits if hit.score >= self._options.threshold][: self._options.passages]
        generator = self._generator() if relevant and asked.mode is AnswerMode.GENERATE else None
        steps = self._answer(asked, relevant, generator)
        try:
            while True:
                token = next(steps)
                timings.setdefault("first_token", _milliseconds(started))
                yield token
        except StopIteration as done:
            cited: Cited = done.value
        timings["total"] = _milliseconds(started)
        refused = not cited.citations
        model = generator.name if generator else None
        yield Done(Answer(cited.text, refused, cited.citations, tuple(hits), asked.mode, model, timings))

    def _answer(self, asked: Asked, relevant: list[Hit], generator: Generator | None) -> Steps[Token, None, Cited]:
        """Yield the tokens of the answer and return it checked; without citations it is a refusal."""
        if generator:
            return (yield from self._write(asked, relevant, generator))
        weight = dense_weight(self._fusion, asked.question)
        sentences = self._extractor.extract(asked.question, relevant, self._options.sentences, weight)
        cited = cite_sentences(sentences) if sentences else _refusal(asked.question)
        yield Token(cited.text)
        return cited

    def _write(self, asked: Asked, relevant: list[Hit], generator: Generator) -> Steps[Token, None, Cited]:
        sampling = self._options.sampling
        prompt = self._prompts.build(asked.question, relevant, asked.history, generator, sampling.max_tokens)
        pieces: list[str] = []
        for piece in generator.stream(prompt.messages, sampling):
            pieces.append(piece)
            yield Token(piece)
        written = "".join(pieces).strip()
        if not written or any(normalised(refusal) in normalised(written) for refusal in REFUSALS.values()):
            return _refusal(asked.question)
        return cite_written(written, prompt.hits or relevant)


def standalone(question: str, history: Sequence[Message]) -> str:
    """Return what to search for: a follow-up that points back ("when was it built?") takes the last question along."""
    earlier = [message.content for message in history if message.role == "user"]
    return f"{earlier[-1]} {question}" if earlier and _POINTS_BACK.search(question) else question


def _refusal(question: str) -> Cited:
    return Cited(REFUSALS[script(question)], ())


def _milliseconds(started: float) -> float:
    return round(1000 * (perf_counter() - started), 1)
