"""The knowledge bases of a home, and their documents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.bases.names import LONGEST_DESCRIPTION, check_name, checked_description
from kb_server.core.errors import InvalidName, NotFound, UsageError
from tests.workshop import Workshop, workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", "faiss", "toy")
        made.ingest("notes", tmp_path / "texts", a="Alpha.", b="Beta beta.", c="Gamma.")
        yield made


def test_a_page_of_documents_with_their_sizes(shop: Workshop) -> None:
    base, bases = shop.app.bases.find("notes"), shop.app.bases
    found, total = bases.page(base, 2, 1)
    assert ([(one.name, one.size) for one in found], total) == ([("b.txt", 10), ("c.txt", 6)], 3)
    (named,), total = bases.page(base, 10, 0, "b.txt")
    assert (named, total) == (found[0], 1)
    assert bases.document(base, named.id) == named
    with pytest.raises(NotFound):
        bases.document(base, 10**9)


def test_sizes_that_an_older_version_did_not_note_are_noted_when_asked_for(shop: Workshop) -> None:
    base, rows = shop.app.bases.find("notes"), shop.app.bases.open("notes").documents
    with rows._database.writing() as connection:
        connection.exec_driver_sql("UPDATE documents SET size = NULL")
    (first, *_), _ = shop.app.bases.page(base, 1, 0)
    assert first.size == 6
    assert len(rows.unsized()) == 2, "only what was shown is looked up"
    assert rows.find(first.id).size == 6


def test_removing_takes_all_or_nothing(shop: Workshop) -> None:
    with pytest.raises(NotFound, match=r"d\.txt"):
        shop.app.bases.remove("notes", ["a.txt", "d.txt"])
    shop.app.bases.remove("notes", ["a.txt", "b.txt"])
    assert list(shop.state("notes")) == ["c.txt"]
    assert [(one.documents, one.chunks) for one in shop.app.bases.summaries()] == [(1, 1)]


def test_a_deleted_base_leaves_nothing(shop: Workshop) -> None:
    folder = shop.app.bases.open("notes").files.folder
    shop.app.bases.delete("notes")
    assert shop.app.bases.summaries() == []
    assert not folder.exists()


def test_a_description_is_changed_and_taken_back(shop: Workshop) -> None:
    base = shop.app.bases.find("notes")
    assert shop.app.bases.describe(base, " Rules\0 ").description == "Rules"
    assert shop.app.bases.find("notes").description == "Rules"
    assert shop.app.bases.describe(base, "").description == ""
    with pytest.raises(UsageError, match=str(LONGEST_DESCRIPTION)):
        checked_description("x" * (LONGEST_DESCRIPTION + 1))


@pytest.mark.parametrize("name", ["", " a", "a ", "a..b", "../a", "a/b", "a" * 65, "\n"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InvalidName):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "笔记 1", "a.b-c_d", "a" * 64])
def test_names_that_can_be(name: str) -> None:
    check_name(name)
