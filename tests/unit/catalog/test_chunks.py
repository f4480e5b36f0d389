"""Rows of chunks: found by their own id and by the stores', a page at a time, out of search and reworded."""

from collections.abc import Iterator

import pytest

from kb_server.catalog.chunks import Chunks
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.removal import Removed
from kb_server.catalog.snapshots import Snapshots
from kb_server.core.domain import Filter
from kb_server.core.errors import NotFound
from tests.unit.catalog.made import arrival, base, index


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def documents(database: Database) -> Documents:
    return base(database)


@pytest.fixture
def chunks(documents: Documents) -> Chunks:
    return documents.chunks


def test_one_is_found_by_its_own_id_and_by_that_of_the_stores(documents: Documents, chunks: Chunks) -> None:
    first = index(documents, "a.txt", "the same words", "other words")
    second = index(documents, "b.txt", "the same words")
    shared, other = first.vector_ids
    assert second.vector_ids == ()
    (copy,) = chunks.of_document(second.document_id)
    assert copy.id not in first.vector_ids
    assert chunks.vector_ids() == [shared, other]
    assert chunks.ids() == [shared, other]
    assert chunks.ids(Filter(documents=("b.txt",))) == [copy.id]
    assert chunks.vector_ids(Filter(documents=("b.txt",))) == [shared]
    assert chunks.vector_ids_of([copy.id, other, 10**9]) == {copy.id: shared, other: other}
    assert chunks.by_id([copy.id, shared]) == {copy.id: copy, shared: chunks.find(shared)}
    assert chunks.by_vector([shared])[shared].document == "a.txt"
    assert chunks.by_vector([shared], Filter(documents=("b.txt",))) == {shared: copy}
    assert chunks.by_vector([copy.id]) == {}, "the stores do not know it by its own id"
    assert chunks.count() == 3


def test_a_chunk_knows_the_version_it_is_from(documents: Documents, chunks: Chunks) -> None:
    old = index(documents, "a.txt", "old words")
    new = index(documents, "a.txt", "new words entirely")
    assert old.document_id != new.document_id
    (found,) = chunks.by_vector(new.vector_ids).values()
    assert (found.document, found.document_id) == ("a.txt", new.document_id)


def test_a_page_of_a_document(documents: Documents, chunks: Chunks) -> None:
    pending = index(documents, "a.txt", *[f"line {number}" for number in range(10)])
    assert [one.text for one in chunks.of_document(pending.document_id, 3, 4)] == ["line 4", "line 5", "line 6"]
    assert len(chunks.of_document(pending.document_id)) == 10
    assert chunks.of_document(pending.document_id, 3, 10) == []


def test_one_is_taken_out_of_search_and_put_back(documents: Documents, chunks: Chunks) -> None:
    pending = index(documents, "a.txt", "one", "two")
    first, second = pending.vector_ids
    assert chunks.disable(first) == Removed((first,))
    assert (chunks.find(first), chunks.vector_ids(), chunks.count()) == (None, [second], 1)
    assert chunks.disabled(pending.document_id) == {first}
    assert chunks.marked() == {pending.document_id: (0, 1)}
    with pytest.raises(NotFound, match=str(first)):
        chunks.disable(first)
    chunks.enable(first)
    assert chunks.vector_ids() == [first, second]
    with pytest.raises(NotFound, match=str(first)):
        chunks.enable(first)


def test_what_a_document_on_its_way_needs_stays_in_the_stores(documents: Documents, chunks: Chunks) -> None:
    (first,) = index(documents, "a.txt", "the same words").vector_ids
    documents.begin_all([arrival("b.txt", "the same words")])
    assert chunks.disable(first) == Removed()


def test_one_is_reworded_and_gets_its_words_back(documents: Documents, chunks: Chunks) -> None:
    pending = index(documents, "a.txt", "one", "two")
    first, _ = pending.vector_ids
    chunks.edit(first, "uno")
    chunks.edit(first, "eins")
    found = chunks.find(first)
    assert found is not None
    assert (found.text, found.edited, found.start, found.end) == ("eins", True, 0, 3)
    assert chunks.original_texts(pending.document_id) == {first: "one"}
    assert chunks.edited_ids() == {first}
    assert chunks.marked() == {pending.document_id: (1, 0)}
    chunks.revert(first)
    back = chunks.find(first)
    assert back is not None
    assert (back.text, back.edited, chunks.edited_ids()) == ("one", False, set())


def test_what_only_snapshots_hold_is_known_as_kept(documents: Documents, chunks: Chunks, database: Database) -> None:
    with database.reading() as connection:
        base_id = connection.exec_driver_sql("SELECT id FROM knowledge_bases").scalar_one()
    pending = index(documents, "a.txt", "one")
    Snapshots(database, base_id).create("before")
    assert chunks.kept(pending.vector_ids) == set()
    documents.remove(["a.txt"])
    assert chunks.kept([*pending.vector_ids, 10**9]) == set(pending.vector_ids)


def test_other_bases_are_not_seen(documents: Documents, chunks: Chunks, database: Database) -> None:
    theirs = index(base(database, "other"), "a.txt", "theirs")
    index(documents, "a.txt", "mine")
    assert chunks.by_vector(theirs.vector_ids) == chunks.by_id(theirs.vector_ids) == {}
    with pytest.raises(NotFound):
        chunks.disable(theirs.vector_ids[0])
