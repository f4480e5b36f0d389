"""How much a base may hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.bases.open_base import OpenBase
from kb_server.bases.quotas import Quota, note_sizes
from kb_server.core.errors import TooLarge
from tests.workshop import Workshop, workshop


def _rooms(first: int, last: int) -> str:
    return "\n\n".join(f"Room {number} has {number + 7} chairs and a table." for number in range(first, last))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenBase]:
    with workshop(tmp_path / "home") as shop:
        shop.app.bases.create("notes", "faiss", "toy")
        shop.ingest("notes", tmp_path / "texts", a=_rooms(0, 1200), b=_rooms(1200, 2000))
        yield shop.app.bases.open("notes")


def _forget_sizes(opened: OpenBase) -> None:
    """Make the rows those of an older version."""
    with opened.documents._database.writing() as connection:
        connection.exec_driver_sql("UPDATE documents SET size = NULL")


@pytest.mark.parametrize("older", [False, True])
def test_bytes_count_together(opened: OpenBase, older: bool) -> None:
    if older:
        _forget_sizes(opened)
    quota = Quota(opened.documents, opened.files, None, 1 << 20)
    there = len(_rooms(0, 1200)) + len(_rooms(1200, 2000))
    quota.check(["c.txt"], (1 << 20) - there)
    with pytest.raises(TooLarge, match="1 MB"):
        quota.check(["c.txt"], (1 << 20) - there + 1)
    assert opened.documents.unsized() == {}


def test_documents_count_by_name(opened: OpenBase) -> None:
    quota = Quota(opened.documents, opened.files, 3, None)
    quota.check(["a.txt", "c.txt"], 1 << 40)
    with pytest.raises(TooLarge, match="3 documents"):
        quota.check(["c.txt", "d.txt"], 0)


def test_a_file_that_is_gone_stays_without_a_size(opened: OpenBase) -> None:
    _forget_sizes(opened)
    first, second = opened.documents.all()
    opened.files.discard([first.file])
    noted = note_sizes(opened.documents, opened.files, opened.documents.unsized())
    assert noted == {second.id: len(_rooms(1200, 2000))}
    assert opened.documents.unsized() == {first.id: first.file}
    assert [one.size for one in opened.sized(opened.documents.all())] == [None, len(_rooms(1200, 2000))]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", embedder="toy")
        made.ingest("notes", tmp_path / "texts", owl="The owl sleeps.", cat="The cat hunts.")
        yield made


def _quota(shop: Workshop, documents: int | None, size: int | None) -> Quota:
    opened = shop.app.bases.open("notes")
    return Quota(opened.documents, opened.files, documents, size)


def test_a_document_that_is_replaced_is_not_counted_twice(shop: Workshop) -> None:
    _quota(shop, 3, None).check(["owl.txt", "cat.txt", "dog.txt"], 10)
    with pytest.raises(TooLarge, match="may hold 3 documents"):
        _quota(shop, 3, None).check(["dog.txt", "cow.txt"], 10)


def test_bytes_of_a_version_that_is_replaced_count_while_both_are_there(shop: Workshop) -> None:
    held = len("The owl sleeps.") + len("The cat hunts.")
    _quota(shop, None, held + 10).check(["owl.txt"], 10)
    with pytest.raises(TooLarge, match="may hold 0 MB of originals"):
        _quota(shop, None, held + 10).check(["owl.txt"], 11)


def test_without_quotas_anything_goes(shop: Workshop) -> None:
    _quota(shop, None, None).check([str(number) for number in range(10_000)], 1 << 60)
