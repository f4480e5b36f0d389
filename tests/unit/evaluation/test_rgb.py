"""In the manner of the RGB benchmark: noise, rejection, answers from two documents, documents that contradict."""

from collections.abc import Sequence

import numpy as np
import pytest

from kb_server.answering.answering import Answering, AnsweringOptions, AnswerSource, ResolvedQuestion
from kb_server.answering.ask import whole_answer
from kb_server.answering.extract import SentenceExtractor
from kb_server.answering.prompts import PromptBuilder
from kb_server.answering.refusal.confidence import Assessor
from kb_server.core.answers import Answer, AnswerMode
from kb_server.core.domain import Chunk, Filter, Fusion
from kb_server.core.ports import Generator
from kb_server.evaluation.case_files import case_from
from kb_server.evaluation.metrics import contains
from kb_server.evaluation.outcomes import outcome_of
from kb_server.evaluation.statements import unmarked
from kb_server.search.calibration import untuned
from kb_server.search.hybrid import HybridRetriever
from kb_server.search.lexical import TantivyIndex
from tests.unit.answering.test_answering import FlatEmbedder
from vectorstores.memory import MemoryStore

TOWER = "The Lindqvist tower in Varby was opened in 1931. It has forty floors."
BRIDGE = "The Ostrand bridge over the Varby river was opened in 1954. Trams cross it."
NOISE = [f"The {name} of Varby serves {dish} on {day} and is closed in winter." for name, dish, day in (
    ("canteen", "soup", "Monday"), ("harbour cafe", "herring", "Friday"), ("station kiosk", "waffles", "Sunday"),
    ("theatre bar", "olives", "Tuesday"), ("museum", "tea", "Thursday"), ("library", "biscuits", "Saturday"),
)]  # fmt: skip


class Texts:
    """Texts as documents of one chunk."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = dict(enumerate(texts))

    def by_vector(self, vector_ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:  # noqa: ARG002 - the protocol's name
        return {
            i: Chunk(
                id=i,
                document_id=1,
                document=f"{i}.txt",
                text=self._texts[i],
                start=0,
                end=len(self._texts[i]),
                page=None,
                heading_path=(),
            )
            for i in vector_ids
        }

    def vector_ids_of(self, ids: Sequence[int]) -> dict[int, int]:
        return {id_: id_ for id_ in ids}

    def vector_ids(self, filters: Filter | None = None) -> list[int]:  # noqa: ARG002 - the protocol's name
        return list(self._texts)


def _answer(question: str, texts: list[str]) -> Answer:
    embedder, store, lexical, fusion = FlatEmbedder(), MemoryStore(2), TantivyIndex(), Fusion({"other": 0.0}, 9)
    lexical.add(range(len(texts)), texts)
    lexical.flush()
    store.add(range(len(texts)), np.tile(np.array([1, 0], np.float32), (len(texts), 1)))
    retriever = HybridRetriever(embedder, store, lexical, Texts(texts), fusion)
    options = AnsweringOptions(passages=3, sentences=2)
    assessor = Assessor([lexical], untuned(len(texts)))
    extractor = SentenceExtractor(embedder, lexical)
    source = AnswerSource(searcher=retriever, assessor=assessor, extractor=extractor, fusion=fusion)
    answering = Answering({"news": source}, assessor, PromptBuilder(), _no_model, options)
    return whole_answer(
        answering.stream(ResolvedQuestion(question=question, mode=AnswerMode.EXTRACT, k=5, threshold=0.1))
    )


def _no_model(_name: str | None) -> Generator:
    raise AssertionError("extracting asks no model")


@pytest.mark.parametrize("noise", [0, 2, 6])
def test_noise_does_not_hide_the_answer(noise: int) -> None:
    answer = _answer("When was the Lindqvist tower opened?", [*NOISE[:noise], TOWER])
    assert "1931" in answer.text
    assert answer.citations[0].document == f"{noise}.txt"


def test_noise_alone_is_refused() -> None:
    answer = _answer("When was the Lindqvist tower opened?", NOISE)
    assert (answer.refused, answer.citations) == (True, ())


def test_an_answer_from_two_documents_holds_both_parts() -> None:
    answer = _answer("When was the Lindqvist tower opened and when the Ostrand bridge?", [*NOISE, TOWER, BRIDGE])
    case = case_from({"id": "1", "question": "?", "parts": [["1931"], ["1954"]]})
    assert contains(unmarked(outcome_of(case, answer, {})), case)
    assert {citation.document for citation in answer.citations} == {"6.txt", "7.txt"}


def test_documents_that_contradict_are_both_shown_with_their_sources() -> None:
    other = TOWER.replace("1931", "1936")
    answer = _answer("When was the Lindqvist tower opened?", [*NOISE, TOWER, other])
    quotes = {citation.document: citation.quote for citation in answer.citations}
    assert set(quotes) == {"6.txt", "7.txt"}
    assert "1931" in quotes["6.txt"]
    assert "1936" in quotes["7.txt"]
    assert all(citation.supported for citation in answer.citations)
