"""What is written of a document that comes in."""

from dataclasses import replace

from kb_server.catalog.database import Database
from kb_server.catalog.pending import Pending, without
from tests.unit.catalog.made import arrival, base


def test_another_wording_comes_in_with_the_document(url: str) -> None:
    database = Database(url)
    documents = base(database)
    worded = replace(arrival("b.txt", "the same words", "two"), reworded={0: "other words", 1: "zwei"})
    (first, second), _ = documents.begin_all([arrival("a.txt", "the same words"), worded])
    assert first.texts == ("Top\nthe same words",)
    assert second.texts == ("Top\nother words", "Top\nzwei"), "what a person worded is no copy of what it was"
    assert documents.pending() == [first, second]
    documents.commit([first.document_id, second.document_id])
    made = documents.chunks.of_document(second.document_id)
    assert [(chunk.text, chunk.edited) for chunk in made] == [("other words", True), ("zwei", True)]
    assert list(documents.chunks.original_texts(second.document_id).values()) == ["the same words", "two"]
    database.close()


def test_what_is_linked_is_left_out() -> None:
    pending = Pending(document_id=1, vector_ids=(4, 5, 6), texts=("a", "b", "c"), indices=(0, 1, 2))
    left = without(pending, {5})
    assert (left.vector_ids, left.texts, left.indices) == ((4, 6), ("a", "c"), (0, 2))
