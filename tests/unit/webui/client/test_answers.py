"""Answers as the page reads them."""

from tests.ui.fake_service import answer, hit
from webui.client.answers import Answer, events


def test_an_answer_that_was_kept_before_documents_were_named() -> None:
    old = Answer.model_validate(answer())
    citation = old.citation(1)
    assert citation is not None
    assert citation.document_id is None
    assert old.hit(citation) == old.hits[0]
    assert old.hits[0].document_id is None


def test_a_citation_and_a_hit_name_their_document() -> None:
    said = answer(hits=[{**hit(), "document_id": 7}])
    said["citations"][0]["document_id"] = 7
    new = Answer.model_validate(said)
    citation = new.citation(1)
    assert citation is not None
    assert (citation.document_id, new.hits[0].document_id) == (7, 7)
    assert new.citation(2) is None


def test_events_of_a_stream() -> None:
    lines = ["event: token", 'data: {"text": "a"}', "", 'data: {"text": "b"}', ": a comment"]
    assert list(events(lines)) == [("token", {"text": "a"}), ("message", {"text": "b"})]
