"""Single chunks taken out of search, put back and reworded, with real stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.core.errors import NotFound
from tests.workshop import Workshop, workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", "faiss", "toy")
        made.ingest("notes", tmp_path / "texts", a="The bell rings at nine.", b="The bell rings at nine.")
        yield made


def _chunks(shop: Workshop) -> list[int]:
    rows = shop.app.bases.open("notes").documents
    return [chunk.id for document in rows.all() for chunk in rows.chunks.of_document(document.id)]


def test_one_of_two_with_the_same_words_is_reworded(shop: Workshop) -> None:
    first, second = _chunks(shop)
    for chunk_id, said in ((first, "Lunch is at noon."), (second, "Buses run hourly.")):
        shop.app.bases.chunk_edits(shop.app.bases.find("notes")).edit(chunk_id, said)
        assert shop.state("notes").keys() == {"a.txt", "b.txt"}
        assert shop.found("notes", said)[0][1] == said
    shop.app.bases.chunk_edits(shop.app.bases.find("notes")).revert(second)
    assert shop.found("notes", "bell rings")[0] == ("b.txt", "The bell rings at nine.")
    assert shop.state("notes").keys() == {"a.txt", "b.txt"}
    with pytest.raises(NotFound, match="edited"):
        shop.app.bases.chunk_edits(shop.app.bases.find("notes")).revert(second)


def test_one_is_out_of_search_until_it_is_put_back(shop: Workshop) -> None:
    first, second = _chunks(shop)
    care = shop.app.bases.chunk_edits(shop.app.bases.find("notes"))
    care.disable(first)
    assert [name for name, _ in shop.found("notes", "bell")] == ["b.txt"]
    care.disable(second)
    assert shop.found("notes", "bell") == []
    with pytest.raises(NotFound, match="searchable"):
        care.edit(second, "Anything.")
    care.restore(second)
    assert [name for name, _ in shop.found("notes", "bell")] == ["b.txt"]
    shop.state("notes")


def test_what_a_snapshot_holds_comes_back_after_the_words_it_shared_were_changed(shop: Workshop) -> None:
    shop.app.bases.snapshots.create("notes", "first")
    shop.app.bases.remove("notes", ["a.txt"])
    (second,) = _chunks(shop)
    shop.app.bases.chunk_edits(shop.app.bases.find("notes")).edit(second, "Lunch is at noon.")
    shop.app.bases.snapshots.restore("notes", "first")
    assert shop.found("notes", "bell rings")[0] == ("a.txt", "The bell rings at nine.")
    assert shop.found("notes", "lunch noon")[0] == ("b.txt", "Lunch is at noon.")
    shop.state("notes")
