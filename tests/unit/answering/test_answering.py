"""From a question to a checked answer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from kb_server.answering.answering import (
    REFUSALS,
    Answering,
    AnsweringOptions,
    AnswerSource,
    ResolvedQuestion,
    standalone,
)
from kb_server.answering.ask import whole_answer
from kb_server.answering.extract import SentenceExtractor
from kb_server.answering.prompts import PromptBuilder
from kb_server.answering.refusal.confidence import Assessor
from kb_server.core.answers import AnswerMode, Done, Message, Retrieved, Sampling, Token
from kb_server.core.domain import Chunk, Filter, Fusion
from kb_server.core.ports import Generator, Vectors
from kb_server.search.calibration import UNTUNED
from kb_server.search.hybrid import HybridRetriever
from kb_server.search.lexical import TantivyIndex
from vectorstores.memory import MemoryStore

TEXTS = {
    1: "The Eiffel Tower was finished in 1889. It stands in Paris.",
    2: "The Golden Gate Bridge opened in 1937. Joseph Strauss designed the bridge.",
    3: "Sourdough bread rises slowly.",
}
QUESTION = "When was the Eiffel Tower finished and when was the Golden Gate Bridge opened?"


class FlatEmbedder:
    """Gives every text the same vector: the words decide."""

    name = fingerprint = "toy"
    dimension = 2

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    def embed_query(self, text: str) -> Vectors:  # noqa: ARG002 - the protocol's name
        return np.array([1, 0], np.float32)


class ToySource:
    """The texts above as chunks."""

    def by_vector(self, vector_ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:  # noqa: ARG002 - the protocol's name
        return {
            i: Chunk(
                id=i,
                document_id=1,
                document=f"{i}.txt",
                text=TEXTS[i],
                start=0,
                end=len(TEXTS[i]),
                page=None,
                heading_path=(),
            )
            for i in vector_ids
        }

    def vector_ids_of(self, ids: Sequence[int]) -> dict[int, int]:
        return {id_: id_ for id_ in ids}

    def vector_ids(self, filters: Filter | None = None) -> list[int]:  # noqa: ARG002 - the protocol's name
        return list(TEXTS)


class ScriptedGenerator:
    """Says what it was told to; remembers what it was asked and whether it was stopped."""

    name = "scripted"
    context_window = 10_000

    def __init__(self, *pieces: str) -> None:
        self._pieces = pieces
        self.asked: list[Message] = []
        self.stopped = False

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content) for message in messages)

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:  # noqa: ARG002
        self.asked = list(messages)
        try:
            yield from self._pieces
        finally:
            self.stopped = True


def _answering(generator: Generator, refuse_below: float = 0.05) -> Answering:
    embedder, store, lexical, fusion = FlatEmbedder(), MemoryStore(2), TantivyIndex(), Fusion({"other": 0.0}, 3)
    store.add(list(TEXTS), embedder.embed_passages(list(TEXTS.values())))
    lexical.add(list(TEXTS), list(TEXTS.values()))
    lexical.flush()
    assessor = Assessor([lexical], replace(UNTUNED, refuse_below=refuse_below))
    source = AnswerSource(
        searcher=HybridRetriever(embedder, store, lexical, ToySource(), fusion),
        assessor=assessor,
        extractor=SentenceExtractor(embedder, lexical),
        fusion=fusion,
    )
    return Answering(
        {"towers": source},
        assessor,
        PromptBuilder(),
        lambda _: generator,
        AnsweringOptions(passages=2, sentences=2),
    )


def _asked(question: str = QUESTION, mode: AnswerMode = AnswerMode.GENERATE) -> ResolvedQuestion:
    return ResolvedQuestion(question=question, mode=mode, k=3)


def test_events_come_in_order() -> None:
    generator = ScriptedGenerator("The tower was ", "finished in 1889.")
    events = list(_answering(generator).stream(_asked()))
    assert [type(event) for event in events] == [Retrieved, Token, Token, Done]
    assert [event.text for event in events if isinstance(event, Token)] == ["The tower was ", "finished in 1889."]
    done = events[-1]
    assert isinstance(done, Done)
    assert isinstance(events[0], Retrieved)
    assert done.answer.hits == events[0].hits
    assert done.answer.text == "The tower was finished in 1889.[1]"
    assert (done.answer.model, done.answer.mode, done.answer.refused) == ("scripted", AnswerMode.GENERATE, False)
    assert set(done.answer.timings_ms) == {"retrieve", "first_token", "total"}


def test_citations_are_numbered_afresh() -> None:
    hits = whole_answer(_answering(ScriptedGenerator()).stream(_asked())).hits
    second = hits[1].chunk
    answer = whole_answer(_answering(ScriptedGenerator(f"{second.text} [2]")).stream(_asked()))
    assert [citation.number for citation in answer.citations] == [1, 2]
    assert {citation.chunk_id for citation in answer.citations} <= {1, 2}
    assert answer.citations[-1].chunk_id == second.id
    assert "[1]" in answer.text
    assert all(citation.supported for citation in answer.citations)


def test_an_invented_figure_is_shown_as_such() -> None:
    (citation,) = whole_answer(
        _answering(ScriptedGenerator("The tower was finished in 1925.")).stream(_asked())
    ).citations
    assert citation.supported is False


@pytest.mark.parametrize("pieces", [[], ["  "], ["The documents do ", "not say."], ["Well: the documents do not say."]])
def test_a_model_that_does_not_know_refuses(pieces: list[str]) -> None:
    answer = whole_answer(_answering(ScriptedGenerator(*pieces)).stream(_asked()))
    assert (answer.text, answer.refused, answer.citations) == (REFUSALS["other"], True, ())


def test_the_model_is_not_asked_when_nothing_is_relevant() -> None:
    generator = ScriptedGenerator("Anything.")
    events = list(_answering(generator).stream(replace(_asked(), threshold=0.99)))
    assert [type(event) for event in events] == [Retrieved, Token, Done]
    assert events[1] == Token(REFUSALS["other"])
    assert generator.asked == []
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.answer.refused, done.answer.model) == (True, None)


def test_a_refusal_speaks_the_language_of_the_question() -> None:
    answer = whole_answer(
        _answering(ScriptedGenerator()).stream(replace(_asked("埃菲尔铁塔何时建成？"), threshold=0.99))
    )
    assert answer.text == REFUSALS["cjk"]


def test_extracting_quotes_and_refuses_below_the_threshold() -> None:
    asked = _asked("When was the Eiffel Tower finished?", AnswerMode.EXTRACT)
    answer = whole_answer(_answering(ScriptedGenerator()).stream(asked))
    assert answer.text.startswith("The Eiffel Tower was finished in 1889.[1]")
    assert answer.citations[0].quote in TEXTS[1]
    assert answer.model is None
    refused = whole_answer(_answering(ScriptedGenerator()).stream(replace(asked, threshold=0.99)))
    assert (refused.text, refused.refused, refused.citations) == (REFUSALS["other"], True, ())
    assert refused.hits


def test_closing_the_stream_stops_the_model() -> None:
    generator = ScriptedGenerator("one ", "two ", "three")
    events = _answering(generator).stream(_asked())
    assert isinstance(next(events), Retrieved)
    assert next(events) == Token("one ")
    close = getattr(events, "close")  # noqa: B009 - an Iterator by its type, a generator in fact
    close()
    assert generator.stopped


def test_the_history_reaches_the_model() -> None:
    generator = ScriptedGenerator("It was finished in 1889.")
    history = (Message("user", "Which tower is in Paris?"), Message("assistant", "The Eiffel Tower."))
    whole_answer(
        _answering(generator).stream(
            ResolvedQuestion(question="When was it finished?", mode=AnswerMode.GENERATE, k=3, history=history)
        )
    )
    assert [message.role for message in generator.asked] == ["system", "user", "assistant", "user"]
    assert "When was it finished?" in generator.asked[-1].content


@pytest.mark.parametrize(
    ("question", "history", "expected"),
    [
        ("When was it built?", ["Where is the tower?"], "Where is the tower? When was it built?"),
        ("它何时建成？", ["铁塔在哪里？"], "铁塔在哪里？ 它何时建成？"),
        ("When was the bridge built?", ["Where is the tower?"], "When was the bridge built?"),
        ("When was it built?", [], "When was it built?"),
        ("And then?", ["first", "second"], "second And then?"),
    ],
)
def test_standalone(question: str, history: list[str], expected: str) -> None:
    messages = [turn for text in history for turn in (Message("user", text), Message("assistant", "An answer."))]
    assert standalone(question, messages) == expected
