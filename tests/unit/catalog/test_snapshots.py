"""Rows of snapshots."""

from collections.abc import Iterator

import pytest

from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.snapshots import Snapshots
from kb_server.core.errors import AlreadyExists, NotFound
from tests.unit.catalog.made import base, index


@pytest.fixture
def documents(url: str) -> Iterator[Documents]:
    database = Database(url)
    yield base(database)
    database.close()


@pytest.fixture
def snapshots(documents: Documents) -> Snapshots:
    return Snapshots(documents._database, documents._base_id)


def test_one_counts_what_it_lists(documents: Documents, snapshots: Snapshots) -> None:
    index(documents, "a.txt", "one", "two")
    first = snapshots.create("first")
    index(documents, "b.txt", "three")
    assert (first.name, first.documents, first.chunks) == ("first", 1, 2)
    assert snapshots.find("first") == first
    assert [(one.name, one.documents, one.chunks) for one in (*snapshots.all(), snapshots.create("second"))] == [
        ("first", 1, 2),
        ("second", 2, 3),
    ]
    with pytest.raises(NotFound, match="third"):
        snapshots.find("third")
    with pytest.raises(AlreadyExists, match="first"):
        snapshots.create("first")


def test_what_the_stores_have_already_and_what_is_out_of_search_does_not_come_back(
    documents: Documents, snapshots: Snapshots
) -> None:
    gone = index(documents, "a.txt", "the same words", "of its own", "out of search")
    index(documents, "b.txt", "the same words")
    documents.chunks.disable(gone.vector_ids[2])
    first = snapshots.create("first")
    documents.remove(["a.txt"])
    (returning,) = snapshots.returning(first)
    assert (returning.vector_ids, returning.texts) == (gone.vector_ids[1:2], ("Top\nof its own",))


def test_words_that_two_versions_share_come_back_once(documents: Documents, snapshots: Snapshots) -> None:
    first, second = index(documents, "a.txt", "the same words"), index(documents, "b.txt", "the same words")
    taken = snapshots.create("first")
    documents.remove(["a.txt", "b.txt"])
    assert [one.vector_ids for one in snapshots.returning(taken)] == [first.vector_ids]
    assert snapshots.restore(taken).vector_ids == ()
    assert {chunk.document_id for chunk in documents.chunks.by_id([1, 2]).values()} == {
        first.document_id,
        second.document_id,
    }
