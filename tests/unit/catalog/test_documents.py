"""Rows of documents and chunks, in a real SQLite catalog."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.pending import Pending
from kb_server.catalog.removal import Removed
from kb_server.core.domain import Document, DocumentState, Filter, Slice
from kb_server.core.errors import NotFound


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def documents(database: Database) -> Documents:
    return _base(database, "notes")


def _base(database: Database, name: str) -> Documents:
    return Documents(database, Bases(database).create(name, "memory", "toy", "toy-1", 3).id)


def _begin(documents: Documents, name: str, *parts: str, sha256: str = "s", file: str = "f") -> tuple[Pending, Removed]:
    slices, start = [], 0
    for part in parts:
        slices.append(Slice(start=start, end=start + len(part), page=1, heading_path=("Top",)))
        start += len(part) + 1
    return documents.begin(sha256, file, Document(name=name, text="\n".join(parts), blocks=(), pages=1), slices)


def _index(documents: Documents, name: str, *parts: str, file: str = "f") -> Pending:
    pending, _ = _begin(documents, name, *parts, file=file)
    documents.commit([pending.document_id])
    return pending


def _states(documents: Documents) -> list[tuple[str, DocumentState, str | None]]:
    return [(document.name, document.state, document.error) for document in documents.all()]


def test_pending_is_not_searchable_until_committed(documents: Documents) -> None:
    pending, removed = _begin(documents, "a.txt", "first", "second")
    assert removed == Removed()
    assert pending.texts == ("Top\nfirst", "Top\nsecond")
    assert documents.chunks.vector_ids() == []
    assert documents.chunks.by_vector(pending.vector_ids) == {}
    assert documents.pending() == [pending]
    assert documents.digests() == {}
    with pytest.raises(NotFound, match=r"a\.txt"):
        documents.text("a.txt")

    assert documents.commit([pending.document_id]) == Removed()
    assert documents.chunks.vector_ids() == list(pending.vector_ids)
    assert documents.chunks.count() == 2
    assert documents.pending() == []
    assert documents.digests() == {"a.txt": "s"}
    text = documents.text("a.txt")
    chunks = documents.chunks.by_vector(pending.vector_ids)
    assert [chunk.text for chunk in chunks.values()] == ["first", "second"]
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks.values())
    assert all((chunk.document, chunk.page, chunk.heading_path) == ("a.txt", 1, ("Top",)) for chunk in chunks.values())


def test_the_old_version_answers_until_the_new_one_is_committed(documents: Documents) -> None:
    old = _index(documents, "a.txt", "old", file="old-file")
    new, removed = _begin(documents, "a.txt", "new", file="new-file")
    assert removed == Removed()
    assert documents.text("a.txt") == "old"
    assert documents.files() == {"old-file", "new-file"}
    assert documents.commit([new.document_id]) == Removed(old.vector_ids, ("old-file",))
    assert documents.text("a.txt") == "new"
    assert documents.chunks.vector_ids() == list(new.vector_ids)
    assert documents.files() == {"new-file"}


def test_beginning_again_replaces_the_unfinished_try(documents: Documents) -> None:
    first, _ = _begin(documents, "a.txt", "one", file="1")
    second, removed = _begin(documents, "a.txt", "two", file="2")
    assert removed == Removed(first.vector_ids, ("1",))
    assert documents.pending() == [second]


def test_a_document_without_chunks_is_pending_too(documents: Documents) -> None:
    pending, _ = _begin(documents, "empty.txt")
    assert documents.pending() == [pending]
    documents.commit([pending.document_id])
    assert documents.all()[0].chunks == 0


def test_failing_keeps_the_indexed_version(documents: Documents) -> None:
    _index(documents, "a.txt", "good")
    assert documents.fail("a.txt", "x", "It is broken.") == Removed()
    assert _states(documents) == [("a.txt", DocumentState.INDEXED, "It is broken.")]
    _index(documents, "a.txt", "mended")
    assert _states(documents) == [("a.txt", DocumentState.INDEXED, None)]


def test_failing_replaces_what_is_unfinished(documents: Documents) -> None:
    pending, _ = _begin(documents, "a.txt", "half", file="half-file")
    assert documents.fail("a.txt", "x", "first") == Removed(pending.vector_ids, ("half-file",))
    documents.fail("a.txt", "x", "second")
    assert _states(documents) == [("a.txt", DocumentState.FAILED, "second")]
    _index(documents, "a.txt", "mended")
    assert _states(documents) == [("a.txt", DocumentState.INDEXED, None)]


def test_remove_is_all_or_nothing(documents: Documents) -> None:
    a, b = _index(documents, "a.txt", "a", file="fa"), _index(documents, "b.txt", "b", file="fb")
    with pytest.raises(NotFound, match=r"c\.txt"):
        documents.remove(["a.txt", "c.txt"])
    assert documents.chunks.count() == 2
    removed = documents.remove(["a.txt", "b.txt"])
    assert set(removed.vector_ids) == {*a.vector_ids, *b.vector_ids}
    assert set(removed.files) == {"fa", "fb"}
    assert documents.all() == []


def test_remove_takes_every_state(documents: Documents) -> None:
    _index(documents, "a.txt", "old")
    _begin(documents, "a.txt", "new")
    documents.remove(["a.txt"])
    assert (documents.all(), documents.pending()) == ([], [])


def test_names_match_exactly(documents: Documents) -> None:
    for name in ("a_b.txt", "axb.txt", "50%.txt", "500.txt", "A_B.txt"):
        _index(documents, name, name)
    assert documents.text("a_b.txt") == "a_b.txt"
    documents.remove(["a_b.txt", "50%.txt"])
    assert [document.name for document in documents.all()] == ["500.txt", "A_B.txt", "axb.txt"]
    with pytest.raises(NotFound):
        documents.remove(["%"])


def test_ids_are_never_used_twice(documents: Documents) -> None:
    first = _index(documents, "a.txt", "a", "b", "c")
    documents.remove(["a.txt"])
    second = _index(documents, "a.txt", "a", "b", "c")
    assert min(second.vector_ids) > max(first.vector_ids)
    assert second.document_id > first.document_id


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (None, {"x_y/a.txt", "x_y/deep/b.txt", "xzy/c.txt", "x_y.txt"}),
        (Filter(), {"x_y/a.txt", "x_y/deep/b.txt", "xzy/c.txt", "x_y.txt"}),
        (Filter(folder="x_y"), {"x_y/a.txt", "x_y/deep/b.txt"}),
        (Filter(folder="x_y/"), {"x_y/a.txt", "x_y/deep/b.txt"}),
        (Filter(folder="%"), set()),
        (Filter(documents=("xzy/c.txt", "none")), {"xzy/c.txt"}),
        (Filter(documents=("x_y.txt",), folder="x_y/deep"), {"x_y.txt", "x_y/deep/b.txt"}),
    ],
)
def test_filters(documents: Documents, filters: Filter | None, names: set[str]) -> None:
    for name in ("x_y/a.txt", "x_y/deep/b.txt", "xzy/c.txt", "x_y.txt"):
        _index(documents, name, name)
    _begin(documents, "x_y/pending.txt", "p")
    found = documents.chunks.by_vector(documents.chunks.vector_ids(filters))
    assert {chunk.document for chunk in found.values()} == names


def test_many_ids_in_one_call(documents: Documents) -> None:
    pending = _index(documents, "a.txt", *[f"part {number}" for number in range(1200)])
    assert list(documents.chunks.by_vector([*pending.vector_ids, 10**9])) == list(pending.vector_ids)


def test_bases_do_not_see_each_other(database: Database, documents: Documents) -> None:
    other = _base(database, "other")
    mine, theirs = _index(documents, "a.txt", "mine"), _index(other, "a.txt", "theirs")
    assert documents.text("a.txt") == "mine"
    assert documents.chunks.by_vector(theirs.vector_ids) == {}
    other.remove(["a.txt"])
    assert documents.chunks.vector_ids() == list(mine.vector_ids)


def test_a_page_is_counted_and_cut_by_the_database(database: Database, documents: Documents) -> None:
    _index(_base(database, "other"), "0.txt", "theirs")
    for number in range(9, -1, -1):
        _index(documents, f"{number}.txt", *["part"] * number)
    _begin(documents, "3.txt", "a new version", "of two parts")
    assert [(one.name, one.chunks) for one in documents.page(3, 2)] == [("2.txt", 2), ("3.txt", 3), ("3.txt", 2)]
    assert [one.name for one in documents.page(3, 10)] == ["9.txt"]
    assert [one.state for one in documents.page(name="3.txt")] == [DocumentState.INDEXED, DocumentState.PENDING]
    assert documents.page(name="%.txt") == []
    assert (documents.count(), documents.count("3.txt"), documents.count("x")) == (11, 2, 0)
    assert documents.page() == documents.all()


def test_one_is_found_by_its_id_in_one_statement(database: Database, documents: Documents) -> None:
    pending = [_index(documents, f"{number}.txt", "one", "two") for number in range(3)]
    asked: list[str] = []
    event.listen(database._reading_engine, "before_cursor_execute", lambda _c, _k, said, *_: asked.append(said))
    found = documents.find(pending[1].document_id)
    assert (found.id, found.name, found.chunks) == (pending[1].document_id, "1.txt", 2)
    assert [said for said in asked if said != "BEGIN"] == [asked[-1]]
    for wrong in (10**9, _index(_base(database, "other"), "a.txt", "theirs").document_id):
        with pytest.raises(NotFound, match=str(wrong)):
            documents.find(wrong)


def test_sizes_stand_in_the_rows(documents: Documents) -> None:
    known, _ = documents.begin("s", "one", Document(name="a.txt", text="", blocks=()), [], size=7)
    unknown, _ = documents.begin("s", "two", Document(name="b.txt", text="", blocks=()), [])
    documents.fail("c.txt", "s", "It has no file.")
    documents.commit([known.document_id, unknown.document_id])
    assert [one.size for one in documents.all()] == [7, None, None]
    assert (documents.size(), documents.unsized()) == (7, {unknown.document_id: "two"})
    documents.set_sizes({})
    documents.set_sizes({unknown.document_id: 5 << 32})
    assert (documents.size(), documents.unsized()) == ((5 << 32) + 7, {})
    assert documents.find(unknown.document_id).size == 5 << 32
