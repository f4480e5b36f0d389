"""The same words in several documents: embedded once, found at every place, through removal, snapshots and moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.core.domain import Filter
from tests.workshop import Workshop, workshop

ONLY_B = Filter(documents=("b.txt",))
SHARED = "The night watch reads every gauge twice and writes the numbers into the book."
OWN = "Lamps are replaced by the day shift alone."


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", "faiss", "toy")
        yield made


def test_found_at_both_places_and_embedded_once(shop: Workshop, tmp_path: Path) -> None:
    shop.ingest("notes", tmp_path / "in", a=SHARED, b=SHARED.upper(), c=OWN)
    assert len([text for text in shop.toy.embedded if text in (SHARED, SHARED.upper())]) == 1
    best = shop.app.search.retriever("notes").retrieve("Who reads every gauge twice?", 5)[0]
    assert (best.chunk.document, [place.document for place in best.chunk.also]) == ("a.txt", ["b.txt"])
    (only,) = shop.app.search.retriever("notes").retrieve(
        "Who reads every gauge twice?", 5, Filter(documents=("b.txt",))
    )
    assert (only.chunk.document, only.chunk.text) == ("b.txt", SHARED.upper())
    shop.state("notes")


def test_the_other_place_answers_once_the_first_is_removed(shop: Workshop, tmp_path: Path) -> None:
    shop.ingest("notes", tmp_path / "in", a=SHARED, b=SHARED)
    shop.app.bases.remove("notes", ["a.txt"])
    shop.state("notes")
    assert shop.found("notes", "Who reads every gauge twice?") == [("b.txt", SHARED)]


def test_a_snapshot_brings_both_back_without_embedding(shop: Workshop, tmp_path: Path) -> None:
    shop.ingest("notes", tmp_path / "in", a=SHARED, b=SHARED)
    shop.app.bases.snapshots.create("notes", "before")
    shop.ingest("notes", tmp_path / "in", a=None, b=SHARED + " " + OWN)
    shop.toy.embedded.clear()
    shop.app.bases.snapshots.restore("notes", "before")
    shop.state("notes")
    assert sorted(shop.found("notes", "Who reads every gauge twice?"))[0] == ("a.txt", SHARED)
    assert shop.toy.embedded == []


def test_an_export_has_both_places(shop: Workshop, tmp_path: Path) -> None:
    shop.ingest("notes", tmp_path / "in", a=SHARED, b=SHARED, c=OWN)
    shop.app.bases.exporter.run("notes", tmp_path / "notes.zip")
    shop.toy.embedded.clear()
    shop.app.bases.import_file(tmp_path / "notes.zip", "again")
    best = shop.app.search.retriever("again").retrieve("Who reads every gauge twice?", 5)[0]
    assert (best.chunk.document, [place.document for place in best.chunk.also]) == ("a.txt", ["b.txt"])
    shop.state("again")
    assert shop.toy.embedded == []


def test_rewording_one_place_leaves_the_other_as_it_is(shop: Workshop, tmp_path: Path) -> None:
    shop.ingest("notes", tmp_path / "in", a=SHARED, b=SHARED)
    ((first,), (second,)) = (shop.app.bases.open("notes").chunks.of_document(i) for i in (1, 2))
    for chunk, wording in ((second, "Gulls nest on the roof."), (first, "Terns nest below.")):
        shop.app.bases.chunk_edits(shop.app.bases.find("notes")).edit(chunk.id, wording)
        shop.state("notes")
        assert (chunk.document, wording) in shop.found("notes", wording)
    assert SHARED not in [text for _, text in shop.found("notes", SHARED)]


def test_a_file_of_nothing_but_copies(shop: Workshop, tmp_path: Path) -> None:
    shop.ingest("notes", tmp_path / "in", a=SHARED)
    (tmp_path / "in" / "b.txt").write_text(SHARED, "utf-8")
    report = shop.app.ingest.pipeline("notes").run([tmp_path / "in"])
    assert (report.added, report.unchanged, report.chunks, report.copies) == (1, 1, 0, 1)
    shop.state("notes")
    assert [document.state for document in shop.app.bases.documents("notes")] == ["indexed", "indexed"]
    (only,) = shop.app.search.retriever("notes").retrieve(
        "Who reads every gauge twice?", 5, Filter(documents=("b.txt",))
    )
    assert only.chunk.document == "b.txt"
    assert len(shop.toy.embedded) == 1
