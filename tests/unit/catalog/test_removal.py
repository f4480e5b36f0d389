"""What documents that go leave behind."""

from collections.abc import Iterator

import pytest

from kb_server.catalog.database import Database
from kb_server.catalog.removal import Removed, forget, retire
from tests.unit.catalog.made import base, index


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


def test_only_what_nobody_needs_leaves_the_stores(database: Database) -> None:
    documents = base(database)
    first = index(documents, "a.txt", "the same words", "its own", file="fa")
    index(documents, "b.txt", "the same words", file="fb")
    with database.writing() as connection:
        removed = retire(connection, {first.document_id: "fa"})
    assert removed == Removed(first.vector_ids[1:], ("fa",))
    assert documents.remove(["b.txt"]) == Removed(first.vector_ids[:1], ("fb",))


def test_what_was_set_aside_is_forgotten_when_nothing_else_has_its_words(database: Database) -> None:
    documents = base(database)
    first, second = index(documents, "a.txt", "the same words"), index(documents, "b.txt", "the same words")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE documents SET state = 'kept-' || id")
        assert forget(connection, {second.document_id: "fb"}) == Removed((), ("fb",))
        assert forget(connection, {first.document_id: "fa"}) == Removed(first.vector_ids, ("fa",))


def test_removals_add_up() -> None:
    assert Removed((1,), ("a",)) + Removed((2,), ("b",)) == Removed((1, 2), ("a", "b"))
