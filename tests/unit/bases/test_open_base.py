"""A base's parts kept in step, from whatever a stopped run left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workshop import Workshop, workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", "faiss", "toy")
        made.ingest("notes", tmp_path / "texts", a="The bell rings at nine.", b="The bell rings at nine.", c="Lunch.")
        yield made


def test_catching_up_after_the_catalog_went_ahead(shop: Workshop) -> None:
    opened = shop.app.bases.open("notes")
    shop.app.bases.snapshots.create("notes", "first")
    opened.documents.remove(["a.txt", "c.txt"])  # and stopped before the stores heard of it
    embedded = len(shop.toy.embedded)
    with opened.writing():
        opened.catch_up(shop.toy)
    assert shop.state("notes").keys() == {"b.txt"}
    shop.app.bases.snapshots.restore("notes", "first")
    assert shop.state("notes").keys() == {"a.txt", "b.txt", "c.txt"}
    assert len(shop.toy.embedded) == embedded, "what a snapshot needs was saved before it was dropped"


def test_catching_up_when_a_vector_was_lost_that_two_chunks_have(shop: Workshop) -> None:
    opened = shop.app.bases.open("notes")
    shared = opened.chunks.vector_ids()[0]
    opened.documents.remove(["a.txt"])
    opened.store.delete([shared])
    with opened.writing():
        opened.catch_up(shop.toy)
    assert shop.found("notes", "bell") == [("b.txt", "The bell rings at nine."), ("c.txt", "Lunch.")]
    shop.state("notes")


def test_withdrawing_saves_what_snapshots_need(shop: Workshop) -> None:
    opened = shop.app.bases.open("notes")
    shop.app.bases.snapshots.create("notes", "first")
    ids = opened.chunks.vector_ids()
    opened.documents.remove(["c.txt"])
    opened.withdraw(ids)
    assert (opened.store.ids(), opened.lexical.ids()) == (set(), set())
    assert opened.kept.among(ids)[0] == ids[1:]
