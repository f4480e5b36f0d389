"""Snapshots: created, compared, restored, undone, deleted; on every store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.core.errors import AlreadyExists, InvalidName, NotFound
from tests.workshop import Workshop, workshop


@pytest.fixture(params=["faiss", "milvus"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", request.param, "toy")
        yield made


def test_restore_brings_everything_back_and_can_be_undone(shop: Workshop, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    shop.ingest("notes", folder, same="The bell rings at nine.", old="Lunch is at noon.", gone="Buses run hourly.")
    first = shop.state("notes")
    shop.app.bases.snapshots.create("notes", "first")
    shop.ingest("notes", folder, old="Lunch is at one.", gone=None, new="The library opens late.")
    second = shop.state("notes")
    difference = shop.app.bases.snapshots.diff("notes", "first")
    assert (difference.added, difference.removed, difference.changed) == (("new.txt",), ("gone.txt",), ("old.txt",))

    embedded = len(shop.toy.embedded)
    restored = shop.app.bases.snapshots.restore("notes", "first")
    assert shop.state("notes") == first
    assert ("gone.txt", "Buses run hourly.") in shop.found("notes", "buses hourly")
    assert ("old.txt", "Lunch is at noon.") in shop.found("notes", "lunch")
    assert not any(name == "new.txt" for name, _ in shop.found("notes", "library opens late"))
    assert restored.difference.added == ("gone.txt",)

    shop.app.bases.snapshots.restore("notes", restored.undo)
    assert shop.state("notes") == second
    assert ("new.txt", "The library opens late.") in shop.found("notes", "library")
    assert len(shop.toy.embedded) == embedded, "what was embedded once is kept"


def test_a_version_removed_twice_is_in_both_snapshots(shop: Workshop, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    states = []
    for number in range(3):
        shop.ingest("notes", folder, page=f"Version {number} of the page.")
        shop.app.bases.snapshots.create("notes", f"v{number}")
        states.append(shop.state("notes"))
    for number in (0, 2, 1):
        shop.app.bases.snapshots.restore("notes", f"v{number}")
        assert shop.state("notes") == states[number]
        assert shop.found("notes", "page version")[0][1] == f"Version {number} of the page."


def test_what_is_unfinished_is_not_in_the_restored_base(shop: Workshop, tmp_path: Path) -> None:
    shop.ingest("notes", tmp_path / "texts", a="Alpha.")
    shop.app.bases.snapshots.create("notes", "s")
    shop.app.bases.open("notes").documents.fail("broken.pdf", "x", "It is broken.")
    shop.app.bases.snapshots.restore("notes", "s")
    assert [document.name for document in shop.app.bases.documents("notes")] == ["a.txt"]


def test_deleting_a_snapshot_removes_what_only_it_kept(shop: Workshop, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    shop.ingest("notes", folder, a="Alpha.", b="Beta.")
    shop.app.bases.snapshots.create("notes", "s")
    shop.ingest("notes", folder, a="Alpha again.")
    opened = shop.app.bases.open("notes")
    assert len(opened.files.names()) == 3
    shop.app.bases.snapshots.delete("notes", "s")
    assert len(opened.files.names()) == 2
    assert shop.state("notes").keys() == {"a.txt", "b.txt"}
    assert shop.app.bases.snapshots.all("notes") == []
    assert opened.kept.among(range(100))[0] == []


def test_a_restore_stopped_before_the_switch_leaves_the_old_state(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "texts"
    shop.ingest("notes", folder, a="Alpha.", b="Beta.")
    shop.app.bases.snapshots.create("notes", "s")
    shop.ingest("notes", folder, b=None)
    before = shop.state("notes")
    with monkeypatch.context() as patch:
        patch.setattr("kb_server.catalog.snapshots.Snapshots.restore", stop)
        with pytest.raises(KeyboardInterrupt):
            shop.app.bases.snapshots.restore("notes", "s")
    assert not any(name == "b.txt" for name, _ in shop.found("notes", "beta"))
    embedded = len(shop.toy.embedded)
    shop.app.ingest.pipeline("notes").run([folder])
    assert shop.state("notes") == before
    shop.app.bases.snapshots.restore("notes", "s")
    assert shop.state("notes").keys() == {"a.txt", "b.txt"}
    assert len(shop.toy.embedded) == embedded


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_names(shop: Workshop) -> None:
    shop.app.bases.snapshots.create("notes", "一月 1")
    with pytest.raises(AlreadyExists, match="一月 1"):
        shop.app.bases.snapshots.create("notes", "一月 1")
    with pytest.raises(InvalidName):
        shop.app.bases.snapshots.create("notes", "../up")
    for ask in (shop.app.bases.snapshots.restore, shop.app.bases.snapshots.diff, shop.app.bases.snapshots.delete):
        with pytest.raises(NotFound, match="nothing"):
            ask("notes", "nothing")
