"""Rows of tags."""

from collections.abc import Iterator

import pytest

from kb_server.catalog.database import Database
from kb_server.catalog.tags import Tags
from tests.unit.catalog.made import base, index


@pytest.fixture
def tags(url: str) -> Iterator[Tags]:
    database = Database(url)
    documents = base(database)
    for name in ("a.txt", "b.txt"):
        index(documents, name, "words")
    with database.reading() as connection:
        base_id = connection.exec_driver_sql("SELECT id FROM knowledge_bases").scalar_one()
    yield Tags(database, base_id)
    database.close()


def test_tags_of_some_documents(tags: Tags) -> None:
    tags.change(["a.txt", "b.txt", "gone.txt"], ["y", "x"])
    tags.change(["b.txt"], remove=["y"])
    assert tags.all() == {"a.txt": ("x", "y"), "b.txt": ("x",), "gone.txt": ("x", "y")}
    assert tags.of(["b.txt", "a.txt"]) == {"a.txt": ("x", "y"), "b.txt": ("x",)}
    assert tags.of(["other.txt"]) == tags.of([]) == {}


def test_a_tag_counts_documents_that_are_there(tags: Tags) -> None:
    tags.change(["a.txt", "b.txt", "gone.txt"], ["y", "x"])
    tags.change(["b.txt"], ["安全"], ["y"])
    assert list(tags.counts().items()) == [("x", 2), ("y", 1), ("安全", 1)]
