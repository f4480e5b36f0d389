"""Evidence for an answer, by hand and against an index made anew."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.answering.refusal.confidence import Assessor, ConfidenceModel
from kb_server.answering.refusal.evidence import QuestionWeights, TermWeights, find_evidence
from kb_server.core.domain import Chunk, Hit
from kb_server.search.calibration import UNTUNED, untuned
from kb_server.search.lexical import TantivyIndex
from kb_server.text.terms import terms

TEXTS = ["The old tower opened in 1931.", "The tower has forty floors.", "Trams cross the bridge."]


def _index(texts: list[str]) -> TantivyIndex:
    index = TantivyIndex()
    index.add(range(len(texts)), texts)
    index.flush()
    return index


def _known(index: TantivyIndex, question: str) -> TermWeights:
    return TermWeights(index.weights(question), len(index))


def _hit(text: str, score: float) -> Hit:
    return Hit(
        chunk=Chunk(id=1, document_id=1, document="a", text=text, start=0, end=len(text), page=None, heading_path=()),
        score=score,
    )


def test_evidence_by_hand() -> None:
    question = "When was the harbour tower opened?"  # harbour: in no text; tower: in two; opened: in one
    harbour, tower, opened = math.log1p(3.5 / 0.5), math.log1p(1.5 / 2.5), math.log1p(2.5 / 1.5)
    whole = harbour + tower + opened
    hits = [_hit(TEXTS[0], 0.6), _hit(TEXTS[1], 0.3), _hit(TEXTS[2], 0.2)]
    found = find_evidence(question, hits, _known(_index(TEXTS), question))
    assert found.score == 0.6
    assert found.coverage == pytest.approx((tower + opened) / whole)
    assert found.absent == pytest.approx(harbour / whole)
    assert found.lead == pytest.approx(0.5)


def test_the_only_passage_of_a_base_may_answer() -> None:
    text = "Hold the red button for seven seconds to reset the device."
    question = "How long is the red button held to reset the device?"
    found = find_evidence(question, [_hit(text, 0.3)], _known(_index([text]), question))
    assert found.lead == 0.5
    assert ConfidenceModel(untuned(1).weights).confidence(found) > untuned(1).refuse_below


def test_the_fused_score_counts_and_not_the_rerankers() -> None:
    reranked = [
        Hit(chunk=_hit(text, 0).chunk, score=0.99, stages={"fusion": score})
        for text, score in zip(TEXTS, (0.2, 0.4), strict=False)
    ]
    assert find_evidence("tower?", reranked, _known(_index(TEXTS), "tower?")).score == 0.4


def test_nothing_found_is_no_evidence() -> None:
    found = find_evidence("harbour?", [], _known(_index(TEXTS), "harbour?"))
    assert found.vector().tolist() == [0.0, 0.0, 1.0, 0.0]
    assert find_evidence("？", [], TermWeights({}, 0)).vector().tolist() == [0.0, 0.0, 0.0, 0.0]


def test_half_a_chinese_word_counts_half() -> None:
    index = _index(["试用期为三个月。", "年假十天。"])
    known = _known(index, "试用期津贴是多少？")
    asked = QuestionWeights("试用期津贴是多少？", known)
    there, absent = 3 * math.log1p(1.5 / 1.5) / 2, 2 * math.log1p(2.5 / 0.5) / 2  # 试用期 as 3 halves, 津贴 as 2
    assert asked.share(terms("试用期为三个月。")) == pytest.approx(there / (there + absent))
    assert asked.absent() == pytest.approx(absent / (there + absent))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("alpha beta gamma delta epsilon".split()), min_size=1), min_size=2, max_size=8)
)
def test_weights_without_chunks_are_those_of_an_index_without_them(chunks: list[list[str]]) -> None:
    texts = [" ".join(words) for words in chunks]
    question = "alpha beta gamma delta epsilon"
    without = _known(_index(texts), question).without([set(terms(text)) for text in texts[:1]])
    anew = _known(_index(texts[1:]), question)
    assert without.chunks == anew.chunks
    assert without.weights == pytest.approx(anew.weights)


def test_the_assessor_is_surer_of_what_a_passage_says() -> None:
    assessor = Assessor([_index(TEXTS)], UNTUNED)
    hits = [_hit(TEXTS[0], 0.6), _hit(TEXTS[1], 0.3), _hit(TEXTS[2], 0.1)]
    sure, answers = assessor.assess("When was the old tower opened?", hits)
    unsure, refuses = assessor.assess("Who painted the harbour museum?", hits[2:])
    assert 0 <= unsure < 0.1 < 0.9 < sure <= 1
    assert (answers, refuses) == (True, False)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.lists(st.sampled_from("alpha beta gamma delta".split()), min_size=1), max_size=5),
        min_size=1,
        max_size=4,
    )
)
def test_words_of_several_bases_weigh_as_in_one(bases: list[list[list[str]]]) -> None:
    texts = [[" ".join(words) for words in chunks] for chunks in bases]
    question = "alpha beta gamma epsilon"
    together = TermWeights.together([_known(_index(base), question) for base in texts])
    one = _known(_index([text for base in texts for text in base]), question)
    assert together.chunks == one.chunks
    assert together.weights == pytest.approx(one.weights)
