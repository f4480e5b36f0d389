"""Moving a base to another store or embedder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.core.errors import StorageError, UsageError
from tests.workshop import Workshop, workshop

TEXTS = {f"t{number}": f"Paper {number} is about subject {number * 7 % 11}." for number in range(12)}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", "faiss", "toy")
        made.ingest("notes", tmp_path / "texts", **TEXTS)
        yield made


def nothing(*_: int) -> None:
    pass


def test_migrating_there_and_back_embeds_nothing(shop: Workshop, tmp_path: Path) -> None:
    expected, state = shop.found("notes", "paper subject 7"), shop.state("notes")
    embedded = len(shop.toy.embedded)
    for store in ("milvus", "faiss", "milvus"):
        assert shop.app.bases.migrate("notes", store, nothing).store == store
        assert shop.found("notes", "paper subject 7")[0] == expected[0]
        assert shop.state("notes") == state
        (folder,) = [path.name for path in (tmp_path / "home" / "bases").glob("*/vectors*")]
        assert folder == shop.app.bases.find("notes").vectors
    assert len(shop.toy.embedded) == embedded
    shop.ingest("notes", tmp_path / "texts", t0=None, new="One more paper.")
    assert len(shop.state("notes")) == len(TEXTS)


def test_migrating_to_where_it_is(shop: Workshop) -> None:
    with pytest.raises(UsageError, match="faiss already"):
        shop.app.bases.migrate("notes", "faiss", nothing)


def test_the_old_index_answers_while_another_is_made(shop: Workshop, tmp_path: Path) -> None:
    expected = shop.found("notes", "paper subject 7")
    with workshop(tmp_path / "home") as reader:
        seen = []
        shop.app.bases.reindex("notes", "other", lambda *_: seen.append(reader.found("notes", "paper subject 7")))
        assert seen
        assert all(found[0] == expected[0] for found in seen)
        base = reader.app.bases.find("notes")
        assert (base.embedder, base.fingerprint, base.dimension) == ("other", "other-48", 48)
        assert reader.found("notes", "paper 3"), "a process that had the old vectors open opens the new ones"
        reader.state("notes")
    assert shop.app.bases.find("notes").fusion is not None


def test_a_stopped_reindex_leaves_the_old_index_and_goes_on(shop: Workshop) -> None:
    expected = shop.found("notes", "paper subject 7")
    with pytest.raises(KeyboardInterrupt):
        shop.app.bases.reindex("notes", "other", stop)
    assert shop.app.bases.find("notes").embedder == "toy"
    assert shop.found("notes", "paper subject 7")[0] == expected[0]
    shop.app.bases.reindex("notes", "other", nothing)
    shop.state("notes")


def stop(*_: int) -> None:
    raise KeyboardInterrupt


def test_reindexing_with_the_same_embedder(shop: Workshop) -> None:
    with pytest.raises(UsageError, match="already"):
        shop.app.bases.reindex("notes", "toy", nothing)


def test_a_restore_after_a_reindex_embeds_what_comes_back(shop: Workshop, tmp_path: Path) -> None:
    shop.app.bases.snapshots.create("notes", "s")
    shop.ingest("notes", tmp_path / "texts", t0=None)
    shop.app.bases.reindex("notes", "other", nothing)
    embedded = len(shop.other.embedded)
    shop.app.bases.snapshots.restore("notes", "s")
    assert shop.state("notes").keys() == {f"{name}.txt" for name in TEXTS}
    assert len(shop.other.embedded) == embedded + 1


def test_a_migration_that_fails_leaves_the_base_where_it_was(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = shop.found("notes", "paper subject 7")
    monkeypatch.setattr("vectorstores.milvus.store.MilvusStore.flush", fail)
    with pytest.raises(StorageError, match="There is no space"):
        shop.app.bases.migrate("notes", "milvus", nothing)
    assert shop.app.bases.find("notes").store == "faiss"
    assert shop.found("notes", "paper subject 7")[0] == expected[0]


def fail(_: object) -> None:
    raise StorageError("There is no space.")
