"""Marks, quotes, and what counts as backed."""

import pytest

from kb_server.answering.citations.citing import cite_sentences, cite_written
from kb_server.answering.citations.support import is_supported
from kb_server.answering.extract import whole_sentences
from kb_server.core.domain import Chunk, Hit

TOWER = "Paris has a tower. The Eiffel Tower was finished in 1889. It is 330 metres tall."
BRIDGE = "The Golden Gate Bridge opened on 27 May 1937. It was designed by Joseph Strauss."


def _hit(id_: int, text: str, start: int = 0, headings: tuple[str, ...] = ()) -> Hit:
    return Hit(
        chunk=Chunk(
            id=id_,
            document_id=1,
            document=f"{id_}.txt",
            text=text,
            start=start,
            end=start + len(text),
            page=None,
            heading_path=headings,
        ),
        score=0.9,
    )


HITS = [_hit(1, TOWER), _hit(2, BRIDGE, start=100)]


@pytest.mark.parametrize(
    "answer",
    ["The bridge opened in 1937 [2].", "The bridge opened in 1937. [2]", "The bridge opened in 1937【2】."],
)
def test_a_mark_before_or_behind_the_stop_names_the_hit(answer: str) -> None:
    cited = cite_written(answer, HITS)
    assert cited.text == "The bridge opened in 1937.[1]"
    (citation,) = cited.citations
    assert (citation.number, citation.chunk_id, citation.document, citation.supported) == (1, 2, "2.txt", True)
    assert citation.quote == "The Golden Gate Bridge opened on 27 May 1937."


def test_a_quote_is_what_stands_at_its_offsets() -> None:
    cited = cite_written("The tower is 330 metres tall. Joseph Strauss designed the bridge.", HITS)
    texts = {hit.chunk.id: hit.chunk for hit in HITS}
    assert [citation.chunk_id for citation in cited.citations] == [1, 2]
    for citation in cited.citations:
        chunk = texts[citation.chunk_id]
        assert citation.quote in chunk.text
        assert chunk.text[citation.start - chunk.start : citation.end - chunk.start] == citation.quote


def test_marks_are_numbered_afresh() -> None:
    cited = cite_written("The bridge opened in 1937 [2]. The tower was finished in 1889 [1].", HITS)
    assert cited.text == "The bridge opened in 1937.[1] The tower was finished in 1889.[2]"
    assert [(citation.number, citation.chunk_id) for citation in cited.citations] == [(1, 2), (2, 1)]


@pytest.mark.parametrize("mark", ["[0]", "[9]", "[99999999999]"])
def test_a_mark_that_names_no_hit_is_left_out(mark: str) -> None:
    cited = cite_written(f"The tower was finished in 1889 {mark}.", HITS)
    assert [citation.chunk_id for citation in cited.citations] == [1]
    assert mark not in cited.text


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("The tower was finished in 1889.", True),
        ("The tower was finished in 1899.", False),
        ("The tower was finished in 188.", False),
        ("The tower is 33 metres tall.", False),
        ("The Eiffel Tower is 330 metres tall.", True),
        ("The tower finished by Zaha is tall.", False),
        ("Bananas grow well near warm rivers.", False),
    ],
)
def test_numbers_names_and_most_words_must_be_there(sentence: str, supported: bool) -> None:
    assert is_supported(sentence, TOWER) is supported
    assert cite_written(f"{sentence} [1]", HITS).citations[0].supported is supported


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [("大桥于1937年通车。", True), ("大桥于１９３７年通车。", True), ("大桥于1938年通车。", False)],
)
def test_chinese(sentence: str, supported: bool) -> None:
    assert is_supported(sentence, "这座大桥于1937年通车。") is supported


def test_a_passage_that_is_a_heading_only() -> None:
    cited = cite_written("The manual [1].", [_hit(1, "The manual", headings=("The manual",))])
    assert all(citation.quote in "The manual" for citation in cited.citations)


def test_extracted_sentences_are_marked_in_order() -> None:
    cited = cite_sentences([whole_sentences(HITS[1])[1], whole_sentences(HITS[0])[0]])
    assert cited.text == "It was designed by Joseph Strauss.[1] Paris has a tower.[2]"
    assert [citation.start for citation in cited.citations] == [100 + BRIDGE.index("It was"), 0]
    assert all(citation.supported for citation in cited.citations)
    assert cite_sentences([]).citations == ()
