"""Which chunks a filter lets through, on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.tags import Tags
from kb_server.core.domain import Document, Filter, Slice

DAY = timedelta(days=1)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _base(database: Database, name: str) -> tuple[Documents, Tags]:
    """Make a base with three documents of two pages each, a page a chunk."""
    base = Bases(database).create(name, "memory", "toy", "toy-1", 3)
    documents, tags = Documents(database, base.id), Tags(database, base.id)
    for document in ("a.txt", "b.txt", "sub/c.txt"):
        text = f"{document} one\n{document} two"
        half = text.index("\n")
        slices = [
            Slice(start=0, end=half, page=1, heading_path=()),
            Slice(start=half + 1, end=len(text), page=2, heading_path=()),
        ]
        pending, _ = documents.begin("s", "f", Document(name=document, text=text, blocks=(), pages=2), slices)
        documents.commit([pending.document_id])
    tags.change(["a.txt", "sub/c.txt"], ["blue"])
    tags.change(["b.txt"], ["red", "old"])
    return documents, tags


def _through(documents: Documents, filters: Filter) -> list[str]:
    found = documents.chunks.by_vector(documents.chunks.vector_ids(filters))
    return sorted(chunk.text for chunk in found.values())


@pytest.mark.parametrize(
    ("filters", "through"),
    [
        (Filter(tags=("blue",)), "a.txt one,a.txt two,sub/c.txt one,sub/c.txt two"),
        (Filter(tags=("old", "blue"), pages=(2, 9)), "a.txt two,b.txt two,sub/c.txt two"),
        (Filter(documents=("a.txt", "b.txt"), tags=("blue",), pages=(1, 1)), "a.txt one"),
        (Filter(documents=("a.txt",), folder="sub", pages=(1, 1)), "a.txt one,sub/c.txt one"),
        (Filter(tags=("green",)), ""),
        (Filter(tags=("blu_",)), ""),
        (Filter(pages=(3, 4)), ""),
    ],
)
def test_every_condition_must_hold(url: str, filters: Filter, through: str) -> None:
    database = Database(url)
    documents, _ = _base(database, "notes")
    assert _through(documents, filters) == [part for part in through.split(",") if part]
    database.close()


def test_the_time_a_document_came_in(url: str) -> None:
    database = Database(url)
    before = _now()
    documents, _ = _base(database, "notes")
    after = _now()
    assert len(_through(documents, Filter(since=before, until=after + DAY))) == 6
    assert _through(documents, Filter(since=after + DAY)) == []
    assert _through(documents, Filter(until=before)) == []
    database.close()


def test_tags_of_one_base_are_not_those_of_another(url: str) -> None:
    database = Database(url)
    documents, tags = _base(database, "notes")
    other, theirs = _base(database, "other")
    tags.change(["a.txt"], ["mine"], ["blue"])
    assert tags.all() == {"a.txt": ("mine",), "b.txt": ("old", "red"), "sub/c.txt": ("blue",)}
    assert theirs.all()["a.txt"] == ("blue",)
    assert _through(other, Filter(tags=("mine",))) == []
    assert len(_through(documents, Filter(tags=("mine",)))) == 2
    database.close()
