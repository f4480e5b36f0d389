"""Tuning a base with questions made from its own text."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.answering.ask import Ask
from kb_server.calibration.tuning_questions import TuningQuestion, make_tuning_questions
from kb_server.core.answers import AnswerMode
from kb_server.core.errors import UsageError
from tests.towns import town_texts
from tests.workshop import Workshop, workshop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("tuning")
    with workshop(folder / "home") as opened:
        opened.app.bases.create("towns", embedder="toy")
        opened.ingest("towns", folder / "towns", **town_texts(0, 60))
        yield opened


def _tuning_questions(shop: Workshop, count: int = 60) -> list[TuningQuestion]:
    return list(make_tuning_questions(shop.app.bases.open("towns"), shop.toy, count, 0))


def test_trials_are_answered_by_their_documents_only(shop: Workshop) -> None:
    questions = _tuning_questions(shop)
    assert len(questions) == 60
    assert questions == _tuning_questions(shop)
    for question in questions:
        assert {hit.chunk.document for hit in question.hits if hit.chunk.id in question.left_out} <= set(
            question.documents
        )
        assert question.unknown.chunks == question.known.chunks - len(question.left_out)
    found = [question.evidence(0.3, answerable=True).coverage for question in questions]
    without = [question.evidence(0.3, answerable=False).coverage for question in questions]
    assert sum(a > b for a, b in zip(found, without, strict=True)) > 40


def test_tuning_is_stored_and_used(shop: Workshop) -> None:
    before = shop.app.bases.find("towns")
    assert before.calibration is None
    told: list[tuple[int, int]] = []
    tuned = shop.app.tuner("towns").run(120, on_tried=lambda done, count: told.append((done, count)))
    base = shop.app.bases.find("towns")
    assert (base.calibration, base.fusion) == (tuned.calibration, tuned.fusion)
    assert told[-1] == (tuned.questions, 120)
    assert tuned.calibration.chunks == 60
    assert all(change.held_out_after >= change.held_out_before for change in tuned.changes)
    held_out = tuned.calibration.held_out
    assert held_out["refusal_recall"] - held_out["false_refusal"] > 0.3
    known = shop.ask("towns", Ask(question="How many workers built the Tarkelova mill?", mode=AnswerMode.EXTRACT))
    unknown = shop.ask("towns", Ask(question="Who conducts the symphony orchestra of Vexley?", mode=AnswerMode.EXTRACT))
    assert known.confidence is not None
    assert unknown.confidence is not None
    assert (known.refused, unknown.refused) == (False, True)
    assert known.confidence >= tuned.calibration.refuse_below > unknown.confidence


def test_a_setting_goes_before_what_was_tuned(shop: Workshop) -> None:
    shop.app.tuner("towns").run(60)
    asked = Ask(question="How many workers built the Tarkelova mill?", mode=AnswerMode.EXTRACT)
    with workshop(shop.app.settings.home, answering={"refuse_below": 1.0}) as strict:
        assert strict.ask("towns", asked).refused


def test_tuning_is_repeated_when_the_base_has_doubled(shop: Workshop, tmp_path: Path) -> None:
    shop.app.bases.create("growing", embedder="toy")
    shop.ingest("growing", tmp_path / "in", **town_texts(0, 20))
    first = shop.app.tuner("growing").run(60).calibration
    assert first.chunks == 20
    shop.ingest("growing", tmp_path / "in", **town_texts(20, 30))
    assert shop.app.bases.find("growing").calibration == first
    shop.ingest("growing", tmp_path / "in", **town_texts(30, 50))
    again = shop.app.bases.find("growing").calibration
    assert again is not None
    assert again.chunks == 50


def test_a_base_that_was_not_tuned_is_left_alone(shop: Workshop, tmp_path: Path) -> None:
    shop.app.bases.create("plain", embedder="toy")
    shop.ingest("plain", tmp_path / "in", **town_texts(0, 3))
    assert shop.app.tuner("plain").refresh() is None
    assert shop.app.bases.find("plain").calibration is None


def test_too_little_text_is_said(shop: Workshop, tmp_path: Path) -> None:
    shop.app.bases.create("small", embedder="toy")
    shop.ingest("small", tmp_path / "in", **town_texts(0, 3))
    with pytest.raises(UsageError, match=r"'small' gives .* tuning needs 40"):
        shop.app.tuner("small").run()
    assert shop.app.bases.find("small").calibration is None
