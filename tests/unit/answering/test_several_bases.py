"""One answer from several bases: judged as if they were one, from the passages of those that hold the answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.answering.ask import Ask
from kb_server.core.answers import AnswerMode, Retrieved
from kb_server.core.errors import ModelMismatch, NotFound, UsageError
from tests.towns import town_texts
from tests.unit.answering.test_answering import ScriptedGenerator
from tests.workshop import Workshop, workshop

MILL = "How many workers built the Tarkelova mill?"  # in document town12
DAM = "Who opened the Linpasburg dam?"
ORCHESTRA = "Who conducts the symphony orchestra of Vexley?"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("several")
    with workshop(folder / "home", answering={"refuse_below": 0.5}) as opened:
        for name, first, model in (("west", 0, "toy"), ("east", 30, "other")):
            opened.app.bases.create(name, embedder=model)
            opened.ingest(name, folder / name, **town_texts(first, first + 30))
        yield opened


def _asked(question: str, mode: AnswerMode = AnswerMode.EXTRACT) -> Ask:
    return Ask(question=question, mode=mode, k=5)


def test_the_base_that_holds_the_answer_gives_it(shop: Workshop) -> None:
    alone = shop.ask("west", _asked(MILL))
    both = shop.ask(["east", "west"], _asked(MILL))
    assert shop.ask("east", _asked(MILL)).refused
    assert not alone.refused
    assert (both.text, both.citations) == (alone.text, alone.citations)
    assert {hit.base for hit in both.hits} == {"west"}
    assert {citation.base for citation in both.citations} == {"west"}


def test_what_no_base_holds_is_refused_with_one_ranking(shop: Workshop) -> None:
    answer = shop.ask(["east", "west"], _asked(ORCHESTRA))
    assert answer.refused
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)
    alone = [shop.ask(name, _asked(ORCHESTRA)) for name in ("east", "west")]
    best = sorted((hit for one in alone for hit in one.hits), key=lambda hit: -hit.score)[:5]
    assert list(answer.hits) == best


def test_a_written_answer_cites_passages_of_both(tmp_path: Path) -> None:
    with workshop(tmp_path / "home", answering={"refuse_below": 0.0}) as made:
        for name, number, toy in (("west", 0, "toy"), ("east", 30, "other")):
            made.app.bases.create(name, embedder=toy)
            made.ingest(name, tmp_path / name, **town_texts(number, number + 4))
        first, second = (next(iter(town_texts(number, number + 1).values())).split(". ")[0] for number in (0, 30))
        model = ScriptedGenerator(f"{first}. {second}.")
        question = f"{first} and {second}?"
        service = made.app.answering.written_by(lambda _: model)
        bases = [made.app.bases.find(name) for name in ("west", "east")]
        answer = service.answer(_asked(question, AnswerMode.GENERATE), bases)
    assert [(citation.base, citation.document) for citation in answer.citations] == [
        ("west", "town0.txt"),
        ("east", "town30.txt"),
    ]
    assert first in model.asked[-1].content
    assert second in model.asked[-1].content


def test_one_document_in_two_bases_is_quoted_once(tmp_path: Path) -> None:
    with workshop(tmp_path / "home", answering={"refuse_below": 0.0}) as made:
        for name in ("one", "two"):
            made.app.bases.create(name, embedder="toy")
            made.ingest(name, tmp_path / name, same="The gate opens at nine. The gate is blue and shuts at five.")
        answer = made.ask(["one", "two"], _asked("When does the gate open?"))
    assert answer.text.count("The gate opens at nine") == 1
    assert {hit.base for hit in answer.hits} == {"one", "two"}


def test_naming_a_base_twice_asks_it_once(shop: Workshop) -> None:
    events = shop.app.answering.events(_asked(MILL), [shop.app.bases.find("west")] * 2)
    (retrieved,) = [event for event in events if isinstance(event, Retrieved)]
    ids = [hit.chunk.id for hit in retrieved.hits]
    assert len(ids) == len(set(ids))


def test_a_base_that_cannot_be_asked_is_an_error_as_in_search(shop: Workshop) -> None:
    with pytest.raises(NotFound, match="north"):
        shop.ask(["west", "north"], _asked(MILL))
    shop.other.fingerprint = "another version"
    try:
        with pytest.raises(ModelMismatch, match="east"):
            shop.ask(["west", "east"], _asked(MILL))
    finally:
        shop.other.fingerprint = "other-48"


def test_knn_lm_is_for_one_base(shop: Workshop) -> None:
    asked = Ask(question=MILL, mode=AnswerMode.GENERATE, k=5, knn=True)
    with pytest.raises(UsageError, match="one base"):
        shop.ask(["west", "east"], asked)


def test_several_small_bases_refuse_as_one_of_their_size_would(tmp_path: Path) -> None:
    question = "When did farmers leave the Tarkelova harbour?"  # of that town only a mill is told
    names = [f"part{number}" for number in range(6)]
    with workshop(tmp_path / "home") as made:
        for number, name in enumerate(names):
            made.app.bases.create(name, embedder="toy")
            made.ingest(name, tmp_path / name, **town_texts(20 * number, 20 * number + 20))
        made.app.bases.create("whole", embedder="toy")
        made.ingest("whole", tmp_path / "whole", **town_texts(0, 120))
        alone = [made.ask(name, _asked(question)) for name in names]
        together = made.ask(names, _asked(question))
        assert made.ask("whole", _asked(question)).refused
        assert not made.ask(names, _asked(MILL)).refused
    assert not all(answer.refused for answer in alone)
    assert together.refused
