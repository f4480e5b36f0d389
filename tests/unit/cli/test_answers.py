"""Hits and answers as people read them in a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from kb_server.cli.answers import place, show_answer, show_explanation, show_hits
from kb_server.cli.language import Language
from kb_server.cli.session import Session
from kb_server.core.answers import Answer, AnswerMode, Citation
from kb_server.core.domain import Chunk, ChunkPosition, Hit
from kb_server.search.explain import Explanation, Limit
from kb_server.search.ranks import StageRank

TEXT = "Hold [red] the button."


@pytest.fixture(params=["en", "zh"])
def session(request: pytest.FixtureRequest) -> Session:
    made = Session(None)
    made.console = Console(file=io.StringIO(), width=100, highlight=False)
    made.__dict__["say"] = Language(request.param == "zh")
    return made


def _said(session: Session) -> str:
    assert isinstance(session.console.file, io.StringIO)
    return session.console.file.getvalue()


def _hit(base: str = "", also: tuple[ChunkPosition, ...] = ()) -> Hit:
    chunk = Chunk(
        id=7,
        document_id=2,
        document="device[1].txt",
        text=TEXT,
        start=0,
        end=len(TEXT),
        page=3,
        heading_path=("Manual", "Reset"),
        also=also,
    )
    return Hit(chunk=chunk, score=0.8312, stages={"dense": 0.9}, base=base)


def _answer(mode: AnswerMode, supported: bool, hits: tuple[Hit, ...], **more: object) -> Answer:
    citation = Citation(
        number=1, chunk_id=7, document="device[1].txt", page=3, start=0, end=4, quote="Hold", supported=supported
    )
    answer = Answer(
        text="Hold it.[1]", refused=False, citations=(citation,), hits=hits, mode=mode, model=None, timings_ms={}
    )
    return replace(answer, **more)  # type: ignore[arg-type]


def test_a_place_has_page_and_headings_in_the_readers_language(session: Session) -> None:
    session.console.print(place(session, "a[b].txt", 3, ("Manual", "Reset"), "notes"))
    page = session.say("p. 3", "第 3 页")
    assert _said(session) == f"notes · a[b].txt · {page} · Manual › Reset\n"


def test_hits_have_number_score_place_and_text_as_it_is(session: Session) -> None:
    show_hits(session, [_hit()])
    said = _said(session)
    assert "0.831" in said
    assert "#7" in said
    assert "device[1].txt" in said
    assert TEXT in said, "brackets of the text are no markup"


def test_the_base_is_named_where_several_were_searched(session: Session) -> None:
    show_hits(session, [_hit("notes"), _hit("manuals")])
    assert "notes · device" in _said(session)


def test_nothing_found_is_said(session: Session) -> None:
    show_hits(session, [])
    assert _said(session).strip() == session.say("Nothing found.", "没有找到。")


@pytest.mark.parametrize("supported", [True, False])
def test_a_citation_says_whether_its_passage_says_so(session: Session, supported: bool) -> None:
    show_answer(session, _answer(AnswerMode.GENERATE, supported, (_hit(),)))
    said = _said(session)
    assert "Hold it.[1]" in said
    assert "“Hold”" in said
    assert ("✓" in said) is supported
    note = session.say("? the cited passage does not say this", "? 所引段落并未这样说")
    assert (note in said) is not supported


def test_an_extract_is_its_own_quote_and_notes_follow(session: Session) -> None:
    show_answer(
        session, _answer(AnswerMode.EXTRACT, True, (_hit(),), notes=("Two [passages] left out.",), agreement=0.8)
    )
    said = _said(session)
    assert "“Hold”" not in said
    assert "! Two [passages] left out." in said
    assert "80%" in said


def test_a_passages_way_through_the_search(session: Session) -> None:
    standings = (StageRank("dense", 2, 0.5), StageRank("lexical", None, None))
    limits = (Limit("results", 5, True), Limit("threshold", 0.3, False))
    show_explanation(session, Explanation(_hit().chunk, standings, limits))
    said = _said(session)
    assert session.say("not found", "未找到") in said
    assert "0.500" in said
    assert "✓" in said
    assert "✗" in said
    assert session.say("among the 5 results", "在前 5 个结果之内") in said
