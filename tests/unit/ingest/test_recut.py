"""Cutting a base anew from its stored originals."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kb_server.core.domain import DocumentState, Splitting
from kb_server.core.errors import InvalidSetting, StorageError
from kb_server.core.ports import Vectors
from kb_server.ingest import recut as recutting
from kb_server.ingest.recut import LeftAlone, RecutReport
from tests.towns import town_texts
from tests.workshop import Workshop, workshop

SHORT = "The gate opens at nine."


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("towns", embedder="toy", splitting={"size": 200, "overlap": 0})
        made.ingest("towns", tmp_path / "texts", **town_texts(0, 6), short=SHORT)
        yield made


def recut(shop: Workshop, *, drop_edits: bool = False, **change: Any) -> RecutReport:  # noqa: ANN401 - as it comes
    return shop.app.ingest.recut("towns", change, drop_edits=drop_edits, on_done=lambda *_: None)


def chunks(shop: Workshop) -> dict[str, dict[int, str]]:
    rows = shop.app.bases.open("towns").documents
    indexed = [one for one in rows.all() if one.state is DocumentState.INDEXED]
    return {one.name: {chunk.id: chunk.text for chunk in rows.chunks.of_document(one.id)} for one in indexed}


def test_documents_are_cut_anew_and_what_comes_out_the_same_stays(shop: Workshop, tmp_path: Path) -> None:
    before, digests = chunks(shop), shop.state("towns")
    embedded = len(shop.toy.embedded)
    report = recut(shop, size=20)
    after = chunks(shop)
    assert (report.documents, report.unchanged, report.left, report.failed) == (6, 1, [], [])
    assert after["short.txt"] == before["short.txt"]
    assert all(len(after[name]) > len(before[name]) for name in before if name != "short.txt")
    assert report.chunks == sum(map(len, after.values()))
    assert SHORT not in shop.toy.embedded[embedded:]
    assert shop.state("towns") == digests
    assert shop.app.bases.find("towns").splitting == Splitting(size=20, overlap=0)
    assert shop.found("towns", "Tarkelova dam river opened farmers")

    embedded = len(shop.toy.embedded)
    again = recut(shop, size=20)
    assert (again.documents, again.unchanged, len(shop.toy.embedded)) == (0, 7, embedded)
    assert chunks(shop) == after
    shop.ingest("towns", tmp_path / "texts", late=town_texts(7, 8)["town7"])
    assert len(chunks(shop)["late.txt"]) > 1, "what comes later is cut in the new way"
    back = recut(shop, size=200)
    assert {name: list(part.values()) for name, part in chunks(shop).items() if name != "late.txt"} == {
        name: list(part.values()) for name, part in before.items()
    }
    assert back.documents == 7


def test_what_a_person_changed_is_left_alone_unless_it_may_go(shop: Workshop) -> None:
    care, before = shop.app.bases.chunk_edits(shop.app.bases.find("towns")), chunks(shop)
    (edited,), (disabled,) = before["town0.txt"], before["town1.txt"]
    care.edit(edited, "A person's own words about the mill.")
    care.disable(disabled)
    report = recut(shop, size=20)
    assert (report.documents, report.unchanged) == (4, 1)
    assert report.left == [LeftAlone("town0.txt", 1, 0), LeftAlone("town1.txt", 0, 1)]
    assert list(chunks(shop)["town0.txt"].values()) == ["A person's own words about the mill."]
    assert list(chunks(shop)["town1.txt"]) == [disabled]
    shop.state("towns")

    report = recut(shop, size=20, drop_edits=True)
    assert (report.documents, report.unchanged, report.left) == (2, 5, [])
    assert all(len(part) > 1 for name, part in chunks(shop).items() if name != "short.txt")
    assert "A person's own words about the mill." not in str(chunks(shop))
    shop.state("towns")


def test_every_document_answers_at_any_moment_and_a_stopped_run_goes_on(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recutting, "_DOCUMENTS_AT_ONCE", 2)
    texts = {f"{name}.txt": text for name, text in {**town_texts(0, 6), "short": SHORT}.items()}
    seen: list[tuple[int, int]] = []

    class StoppedError(Exception):
        pass

    with workshop(tmp_path / "home") as reader:

        def look(done: int, total: int) -> None:
            for name, part in chunks(reader).items():
                assert all(sentence in " ".join(part.values()) for sentence in texts[name].split(". ")), name
            assert {document for document, _ in reader.found("towns", "mill dam fair built opened")} <= set(texts)
            seen.append((done, total))
            if len(seen) == 2:
                raise StoppedError

        with pytest.raises(StoppedError):
            shop.app.ingest.recut("towns", {"size": 20}, drop_edits=False, on_done=look)
        assert seen == [(2, 7), (4, 7)]
        embedded = len(shop.toy.embedded)
        report = shop.app.ingest.recut("towns", {"size": 20}, drop_edits=False, on_done=look)
        assert (report.documents + report.unchanged, report.unchanged >= 4) == (7, True)
        assert seen[2:] == [(2, 7), (4, 7), (6, 7), (7, 7)]
        again = shop.toy.embedded[embedded:]
    assert len(again) < report.chunks
    shop.state("towns")


def test_what_breaks_in_the_middle_is_gone_on_with(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recutting, "_DOCUMENTS_AT_ONCE", 2)
    before, embed = chunks(shop), shop.toy.embed_passages

    def broken(texts: Sequence[str]) -> Vectors:
        if any("Monbarova" in text for text in texts):
            raise StorageError("No more today.", "Come again.")
        return embed(texts)

    assert "Monbarova" in str(before["town2.txt"])
    with monkeypatch.context() as patch:
        patch.setattr(shop.toy, "embed_passages", broken)
        with pytest.raises(StorageError):
            recut(shop, size=20)
    assert chunks(shop)["town2.txt"] == before["town2.txt"], "the old chunks answer until the new ones are indexed"
    assert shop.found("towns", "workers built the Monbarova mill")[0][0] == "town2.txt"
    report = recut(shop, size=20)
    assert report.documents + report.unchanged == 7
    assert all(len(part) > 1 for name, part in chunks(shop).items() if name != "short.txt")
    shop.state("towns")


def test_members_of_an_archive_are_read_from_their_own_originals(shop: Workshop, tmp_path: Path) -> None:
    packed = tmp_path / "texts" / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.txt", town_texts(8, 9)["town8"])
    shop.ingest("towns", tmp_path / "texts")
    packed.unlink()
    recut(shop, size=20)
    assert len(chunks(shop)["packed.zip/inner.txt"]) > 1


def test_a_document_whose_original_is_gone_keeps_its_chunks(shop: Workshop) -> None:
    before = chunks(shop)
    opened = shop.app.bases.open("towns")
    (document,) = [one for one in opened.documents.all() if one.name == "town3.txt"]
    opened.files.original(document.file).unlink()
    report = recut(shop, size=20)
    assert [failure.path for failure in report.failed] == ["town3.txt"]
    assert chunks(shop)["town3.txt"] == before["town3.txt"]
    assert report.documents == 5


def test_a_snapshot_brings_the_old_cut_back(shop: Workshop) -> None:
    before = {name: list(part.values()) for name, part in chunks(shop).items()}
    shop.app.bases.snapshots.create("towns", "before")
    recut(shop, size=20)
    shop.app.bases.snapshots.restore("towns", "before")
    assert {name: list(part.values()) for name, part in chunks(shop).items()} == before
    shop.state("towns")


def test_a_cut_that_cannot_be_changes_nothing(shop: Workshop) -> None:
    with pytest.raises(InvalidSetting, match="less than size"):
        recut(shop, size=50, overlap=50)
    assert shop.app.bases.find("towns").splitting == Splitting(size=200, overlap=0)
