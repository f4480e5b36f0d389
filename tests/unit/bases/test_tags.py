"""Tags of documents, and searches kept to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.core.domain import Filter
from kb_server.core.errors import InvalidName, NotFound
from tests.workshop import Workshop, workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", "faiss", "toy")
        made.ingest(
            "notes", tmp_path / "texts", bells="The bell rings at nine.", gate="The bell at the gate rings too."
        )
        yield made


def _found(shop: Workshop, *tags: str) -> set[str]:
    hits = shop.app.search.retriever("notes").retrieve("When does the bell ring?", 5, Filter(tags=tags))
    return {hit.chunk.document for hit in hits}


def test_a_tag_stays_with_the_name(shop: Workshop, tmp_path: Path) -> None:
    assert shop.app.bases.tags.change("notes", ["gate.txt"], [" 安全 "]) == {"gate.txt": ("安全",)}
    assert _found(shop, "安全") == {"gate.txt"}
    assert _found(shop) == {"gate.txt", "bells.txt"}
    shop.ingest("notes", tmp_path / "texts", gate="The bell at the old gate rings no more.")
    assert _found(shop, "安全") == {"gate.txt"}


def test_a_tag_arrives_with_an_export(shop: Workshop, tmp_path: Path) -> None:
    shop.app.bases.tags.change("notes", ["bells.txt"], ["b", "a"])
    shop.app.bases.exporter.run("notes", tmp_path / "notes.kb.zip")
    with workshop(tmp_path / "elsewhere") as other:
        other.app.bases.import_file(tmp_path / "notes.kb.zip")
        assert other.app.bases.tags.all("notes") == {"bells.txt": ("a", "b")}


def test_what_cannot_be_tagged_changes_nothing(shop: Workshop) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.txt"):
        shop.app.bases.tags.change("notes", ["gate.txt", "nowhere.txt"], ["x"])
    for tag in ("", "  ", "a\nb", "x" * 65):
        with pytest.raises(InvalidName, match="cannot be a tag"):
            shop.app.bases.tags.change("notes", ["gate.txt"], ["fine", tag])
    assert shop.app.bases.tags.all("notes") == {}
