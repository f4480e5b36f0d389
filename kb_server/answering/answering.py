"""Answering: retrieve, keep what is relevant enough, write or extract, and check what is cited."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Protocol

from kb_server.answering.citations.citing import Cited, cite_sentences, cite_written
from kb_server.answering.citations.support import normalised
from kb_server.answering.extract import Sentence, SentenceExtractor, best_sentences
from kb_server.answering.prompts import Prompt, PromptBuilder
from kb_server.answering.refusal.confidence import Assessor
from kb_server.answering.refusal.evidence import EVIDENCE_DEPTH
from kb_server.answering.techniques import ReasoningSplit, majority, sample
from kb_server.core.answers import Answer, AnswerEvent, AnswerMode, Done, Message, Retrieved, Sampling, Technique, Token
from kb_server.core.domain import Filter, Fusion, Hit, SearchMode
from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import KnnAsk
from kb_server.core.ports import Generator
from kb_server.knnlm.generator import MixedGenerator
from kb_server.knnlm.knn_lm import KnnLm
from kb_server.search.fusion import dense_weight
from kb_server.search.hybrid import Retrieval
from kb_server.search.several import Searcher, merge, search_each
from kb_server.text.references import POINTS_BACK
from kb_server.text.terms import script

REFUSALS = {"other": "The documents do not say.", "cjk": "文档中没有提到。"}
LEFT_OUT = {
    "other": "{} of {} passages were left out: they do not fit into the model's window.",
    "cjk": "{1} 个片段中有 {0} 个超出模型的上下文长度，未被使用。",
}
UNFINISHED = {
    "other": "The model did not finish thinking within {} tokens.",
    "cjk": "模型在 {} 个词元内没有结束思考。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringOptions:
    """From how many passages an answer is written, and how many sentences a quoted one has."""

    passages: int
    sentences: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSource:
    """A base that is asked, and what judges whether it holds the answer."""

    searcher: Searcher
    assessor: Assessor
    extractor: SentenceExtractor
    fusion: Fusion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedQuestion:
    """A question with everything decided: how to answer it, from what, and after which conversation (itself left out).

    `k` passages are shown; `threshold` is the least score, 0..1, of one that is used. With `knn` the base's datastore
    takes part in choosing each token of a written answer. `model` and `prompt` are names of configured ones, None for
    the first.
    """

    question: str
    mode: AnswerMode
    k: int
    filters: Filter | None = None
    history: Sequence[Message] = ()
    technique: Technique = field(default_factory=Technique)
    threshold: float = 0.0
    sampling: Sampling = field(default_factory=Sampling)
    knn: KnnAsk | None = None
    model: str | None = None
    prompt: str | None = None
    most_passages: int | None = None


class Answerer(Protocol):
    """What answers questions about one base or several."""

    def stream(self, asked: ResolvedQuestion) -> Iterator[AnswerEvent]:
        """Yield the events of an answer, Done last. Closing the iterator stops the model."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """Passages, best first, how sure it is (0..1) that they hold the answer, and whether that is enough."""

    passages: list[Hit]
    confidence: float
    holds: bool


@dataclass(slots=True)
class _Written:
    """What came of writing an answer; the text is there once all its tokens are."""

    cited: Cited = field(default=Cited("", ()))
    reasoning: str | None = None
    agreement: float | None = None
    notes: list[str] = field(default_factory=list)

    def answer(self, asked: ResolvedQuestion, hits: Sequence[Hit], by: Generator | None) -> Answer:
        """Return the answer but for its times and its confidence; `by` wrote it, None: it is quoted."""
        return Answer(
            text=self.cited.text,
            refused=not self.cited.citations,
            citations=self.cited.citations,
            hits=tuple(hits),
            mode=asked.mode,
            model=(asked.model or by.name) if by else None,
            timings_ms={},
            reasoning=self.reasoning,
            agreement=self.agreement,
            notes=tuple(self.notes),
            knn=by.trace() if isinstance(by, MixedGenerator) else None,
            prompt=asked.prompt if by else None,
        )


class Answering:
    """Answers questions from one knowledge base, or from several in one answer.

    Whether there is an answer is judged over all bases as if they were one. A base that would refuse if it were asked
    alone gives no passages to the one ranking, unless all would.
    """

    def __init__(
        self,
        sources: Mapping[str, AnswerSource],
        assessor: Assessor,
        prompts: PromptBuilder,
        generator: Callable[[str | None], Generator],
        options: AnsweringOptions,
        knn: Callable[[], KnnLm] | None = None,
    ) -> None:
        self._sources = sources
        self._assessor = assessor
        self._prompts = prompts
        self._generator = generator
        self._options = options
        self._knn = knn

    def stream(self, asked: ResolvedQuestion) -> Iterator[AnswerEvent]:
        """Yield Retrieved, then Tokens, then Done. Closing the iterator stops the model."""
        started = perf_counter()
        mixed = self._mixed(asked)
        found = self._found(asked)
        hits = found.passages[: asked.k]
        timings = {"retrieve": _milliseconds(started)}
        yield Retrieved(tuple(hits))
        relevant = self._relevant(asked, found)
        writer = self._writer(asked, mixed, found) if relevant else None
        written = _Written()
        for token in self._answer(asked, relevant, writer, written):
            timings.setdefault("first_token", _milliseconds(started))
            yield token
        timings["total"] = _milliseconds(started)
        answer = written.answer(asked, hits, writer)
        yield Done(replace(answer, timings_ms=timings, confidence=found.confidence))

    def _found(self, asked: ResolvedQuestion) -> _Found:
        question = standalone(asked.question, asked.history)
        depth = max(asked.k, self._options.passages, asked.knn.passages if asked.knn else 0, EVIDENCE_DEPTH)
        searchers = {name: source.searcher for name, source in self._sources.items()}
        parts = search_each(searchers, question, depth, asked.filters, SearchMode.HYBRID)
        every = [part.hits for part in parts.values()]
        confidence, holds = self._assessor.assess(question, merge(every, depth))
        holding = every if len(parts) == 1 else self._holding(question, parts)
        return _Found(merge(holding or every, depth), confidence, holds)

    def _holding(self, question: str, parts: Mapping[str, Retrieval]) -> list[list[Hit]]:
        judged = {name: self._sources[name].assessor.assess(question, part.hits) for name, part in parts.items()}
        return [part.hits for name, part in parts.items() if judged[name][1]]

    def _relevant(self, asked: ResolvedQuestion, found: _Found) -> list[Hit]:
        """Return the passages to answer from; none where they do not hold the answer."""
        if not found.holds:
            return []
        most = min(self._options.passages, asked.most_passages or self._options.passages)
        return [hit for hit in found.passages if hit.score >= asked.threshold][:most]

    def _writer(self, asked: ResolvedQuestion, mixed: KnnLm | None, found: _Found) -> Generator | None:
        """Return the model that writes the answer, with the datastore if that takes part; None: it is quoted."""
        if asked.mode is not AnswerMode.GENERATE:
            return None
        generator = self._generator(asked.model)
        if mixed and asked.knn:
            return self._mixing(generator, mixed, asked, asked.knn, found.passages[: asked.knn.passages])
        return generator

    def _answer(
        self, asked: ResolvedQuestion, relevant: list[Hit], writer: Generator | None, written: _Written
    ) -> Iterator[Token]:
        """Yield the tokens of the answer and leave it in `written`, checked; without citations it is a refusal."""
        if writer:
            yield from self._write(asked, relevant, writer, written)
            return
        sentences = self._sentences(asked.question, relevant, self._options.sentences)
        written.cited = cite_sentences(sentences) if sentences else refusal(asked.question)
        yield Token(written.cited.text)

    def _mixing(
        self, generator: Generator, mixed: KnnLm, asked: ResolvedQuestion, knn: KnnAsk, found: Sequence[Hit]
    ) -> MixedGenerator:
        """Return the model with the datastore: neighbours from the passages found, or their best sentences."""
        parts = None
        if knn.sentences is not None:
            best = self._sentences(asked.question, found, knn.sentences)
            parts = [(sentence.hit.chunk, sentence.start, sentence.end) for sentence in best]
        return MixedGenerator(generator, mixed, [hit.chunk for hit in found], knn, asked.filters, parts)

    def _sentences(self, question: str, relevant: Sequence[Hit], count: int) -> list[Sentence]:
        scored = []
        for name, source in self._sources.items():
            weight = dense_weight(source.fusion, question)
            scored += source.extractor.scored(question, [hit for hit in relevant if hit.base == name], weight)
        return best_sentences(scored, count)

    def _write(
        self, asked: ResolvedQuestion, relevant: list[Hit], generator: Generator, written: _Written
    ) -> Iterator[Token]:
        prompt = self._prompt(asked, relevant, generator)
        if prompt.left_out:
            written.notes.append(_note(LEFT_OUT, asked.question, prompt.left_out, len(relevant)))
        said = generator.stream(prompt.messages, asked.sampling)
        if asked.technique.samples > 1:
            said, written.agreement = self._most_agreed(generator, prompt, asked)
        split = ReasoningSplit()
        pieces: list[str] = []
        for piece in split.answer(said):
            pieces.append(piece)
            yield Token(piece)
        written.reasoning = split.reasoning or None
        if split.open:
            written.notes.append(_note(UNFINISHED, asked.question, asked.sampling.max_tokens))
        text = "".join(pieces).strip()
        written.cited = refusal(asked.question) if refuses(text) else cite_written(text, prompt.hits or relevant)

    def _prompt(self, asked: ResolvedQuestion, relevant: list[Hit], generator: Generator) -> Prompt:
        if asked.knn and asked.knn.closed_book:
            return self._prompts.closed_book(asked.question, relevant, asked.history)
        shape = (asked.sampling.max_tokens, asked.technique.reasoning, asked.prompt)
        return self._prompts.build(asked.question, relevant, asked.history, generator, *shape)

    def _mixed(self, asked: ResolvedQuestion) -> KnnLm | None:
        """Return the datastore to answer with; raises UsageError where a question asks for what cannot be."""
        if asked.knn is None:
            return None
        if len(self._sources) > 1:
            raise UsageError("kNN-LM takes part in answers from one base.", "Ask one base, or leave kNN-LM out.")
        if self._knn is None or asked.mode is not AnswerMode.GENERATE or asked.technique.samples > 1:
            raise UsageError(
                "kNN-LM takes part in what the model writes, once: not in mode extract, and not in several samples.",
                "Use mode generate and one sample, or leave kNN-LM out.",
            )
        knn = self._knn()
        knn.store()
        return knn

    def _most_agreed(
        self, generator: Generator, prompt: Prompt, asked: ResolvedQuestion
    ) -> tuple[Iterator[str], float]:
        """Return the answer that most samples give, its reasoning before it, and the share that gives it."""
        answers = sample(generator, prompt.messages, asked.sampling, asked.technique.samples)
        best, agreement = majority(["".join(ReasoningSplit().answer([answer])) for answer in answers])
        return iter([answers[best]]), agreement


def standalone(question: str, history: Sequence[Message]) -> str:
    """Return what to search for: a follow-up that points back ("when was it built?") takes the last question along."""
    earlier = [message.content for message in history if message.role == "user"]
    return f"{earlier[-1]} {question}" if earlier and POINTS_BACK.search(question) else question


def refuses(text: str) -> bool:
    """Tell whether what a model wrote is no answer: nothing, or a refusal among other words."""
    return not text or any(normalised(words) in normalised(text) for words in REFUSALS.values())


def refusal(question: str) -> Cited:
    """Return what says that there is no answer, in the question's script."""
    return Cited(REFUSALS[script(question)], ())


def _note(texts: Mapping[str, str], question: str, *numbers: int) -> str:
    return texts[script(question)].format(*numbers)


def _milliseconds(started: float) -> float:
    return round(1000 * (perf_counter() - started), 1)
