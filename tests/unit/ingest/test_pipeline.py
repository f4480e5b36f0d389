"""Ingesting into a real base: what is new goes in, what is the same is passed over, a bad file costs itself."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.core.domain import Document, DocumentState
from kb_server.ingest.pipeline import Ingestion
from kb_server.ingest.progress import Progress
from kb_server.ingest.sources import Failure, Gathered, SourceFile
from loaders import load, unpack
from loaders.clean.cleaner import Cleaner
from loaders.isolate.progress import OnPage, listening
from loaders.split.splitter import SentenceSplitter
from tests.workshop import Workshop, workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", embedder="toy")
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "texts"
    (made / "inner").mkdir(parents=True)
    (made / "owl.txt").write_text("The owl sleeps in the barn.", "utf-8")
    (made / "inner" / "cat.txt").write_text("The cat hunts at night.", "utf-8")
    return made


def _load(path: Path, name: str, on_page: OnPage) -> Document:
    with listening(on_page):
        return load(path, name)


@pytest.fixture
def ingestion(shop: Workshop) -> Ingestion:
    opened = shop.app.bases.open("notes")
    return Ingestion(
        opened, shop.app.catalog.bases, shop.toy, lambda _: SentenceSplitter(200, 0), _load, Cleaner(), unpack
    )


def _zip(path: Path, **members: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.txt", text)


def test_a_folder_goes_in_and_is_passed_over_the_next_time(shop: Workshop, folder: Path, ingestion: Ingestion) -> None:
    report = ingestion.run([folder])
    assert (report.added, report.updated, report.unchanged, report.chunks, report.failed) == (2, 0, 0, 2, [])
    assert set(shop.state("notes")) == {"owl.txt", "inner/cat.txt"}
    assert ("owl.txt", "The owl sleeps in the barn.") in shop.found("notes", "owl")
    embedded = len(shop.toy.embedded)
    again = ingestion.run([folder])
    assert (again.added, again.unchanged, len(shop.toy.embedded)) == (0, 2, embedded)


def test_a_file_that_changed_takes_the_place_of_the_one_before(
    shop: Workshop, folder: Path, ingestion: Ingestion
) -> None:
    ingestion.run([folder])
    (folder / "owl.txt").write_text("The owl is awake.", "utf-8")
    report = ingestion.run([folder])
    assert (report.updated, report.unchanged) == (1, 1)
    shop.state("notes")
    assert "The owl is awake." in [text for _, text in shop.found("notes", "owl")]
    assert "The owl sleeps in the barn." not in [text for _, text in shop.found("notes", "owl")]


def test_a_bad_file_costs_only_itself_and_is_tried_again_when_it_is_another(
    shop: Workshop, folder: Path, ingestion: Ingestion
) -> None:
    (folder / "bad.txt").write_bytes(bytes(range(256)) * 4)
    report = ingestion.run([folder, folder / "none.txt"])
    assert report.added == 2
    assert {Path(failure.path).name for failure in report.failed} == {"bad.txt", "none.txt"}
    states = {one.name: one.state for one in shop.app.bases.open("notes").documents.all()}
    assert states["bad.txt"] is DocumentState.FAILED
    (folder / "bad.txt").write_text("It is good now.", "utf-8")
    assert ingestion.run([folder]).failed == []
    assert "bad.txt" in shop.state("notes")


def test_members_of_an_archive_go_with_the_version_that_held_them(
    shop: Workshop, folder: Path, ingestion: Ingestion
) -> None:
    _zip(folder / "a.zip", one="Member one.", two="Member two.")
    assert ingestion.run([folder / "a.zip"]).added == 2
    assert set(shop.state("notes")) == {"a.zip/one.txt", "a.zip/two.txt"}
    _zip(folder / "a.zip", two="Member two.", three="Member three.")
    report = ingestion.run([folder / "a.zip"])
    assert (report.added, report.unchanged) == (1, 1)
    assert set(shop.state("notes")) == {"a.zip/two.txt", "a.zip/three.txt"}


def test_words_that_stand_in_two_documents_are_indexed_once(folder: Path, ingestion: Ingestion) -> None:
    text = "The archive of the harbour office opens at nine every morning but Sunday, and closes at five. " * 2
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(text, "utf-8")
    report = ingestion.run([folder / "a.txt", folder / "b.txt"])
    assert (report.added, report.chunks, report.copies) == (2, 1, 1)


def test_noise_is_set_aside_and_said(folder: Path, ingestion: Ingestion) -> None:
    (folder / "owl.txt").write_text(f"The owl sleeps.\n\n{'~!@#$%^&*()_+' * 8}\n", "utf-8")
    report = ingestion.run([folder])
    assert [(one.document, one.blocks) for one in report.set_aside] == [("owl.txt", 1)]


def test_files_under_given_names_and_what_could_not_be_fetched(
    shop: Workshop, folder: Path, ingestion: Ingestion
) -> None:
    page = SourceFile(folder / "owl.txt", "https://example.org/owl", 27, read_as="owl.txt")
    fetched = Gathered([page], [Failure("https://example.org/gone", "HTTP 404")])
    report = ingestion.run([], fetched=fetched)
    assert (report.added, report.failed) == (1, fetched.failures)
    assert set(shop.state("notes")) == {"https://example.org/owl"}


def test_progress_never_goes_back_and_ends_at_the_end(folder: Path, ingestion: Ingestion) -> None:
    told: list[Progress] = []
    ingestion.run([folder], on_progress=told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert told[-1].done == told[-1].total == sum(path.stat().st_size for path in folder.rglob("*.txt"))
