"""Files on their way in: under generated names, judged when they are whole, thrown away when they broke off."""

import os
from pathlib import Path, PurePosixPath

import pytest
from filelock import Timeout
from hypothesis import given
from hypothesis import strategies as st

from kb_server.catalog.jobs import FileState
from kb_server.core.errors import StorageError, TooLarge, UsageError
from kb_server.ingest.uploads import Upload, UploadFolder, upload_name
from loaders.kind import detect


@pytest.fixture
def uploads(tmp_path: Path) -> UploadFolder:
    return UploadFolder(tmp_path, detect)


def _receive(upload: Upload, name: str, *parts: bytes) -> None:
    upload.begin_file(name)
    for part in parts:
        upload.write(part)
    upload.end_file()


def test_files_are_received_and_handed_on(uploads: UploadFolder, tmp_path: Path) -> None:
    upload = uploads.begin(5)
    _receive(upload, "folder/notes.txt", b"one ", b"two")
    (file,) = upload.finish()
    assert (file.name, file.size, file.state) == ("folder/notes.txt", 7, FileState.QUEUED)
    assert upload.path(file).read_bytes() == b"one two"
    assert "notes" not in str(upload.path(file).relative_to(tmp_path)), "no name of a client's is on the disk"
    upload.release()
    with uploads.lock(upload.id):
        assert uploads.has_files(upload.id)
        uploads.discard_file(upload.id, file.file)
        assert not uploads.has_files(upload.id)
    uploads.discard(upload.id)
    assert not (tmp_path / "uploads" / upload.id).exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("a.txt", b"", "is empty"), ("a.txt", b"\x7fELF\0\0", "a program"), ("a.xyz", b"x", "not supported")],
)
def test_what_cannot_be_read_is_refused_and_does_not_stay(
    uploads: UploadFolder, name: str, content: bytes, reason: str
) -> None:
    upload = uploads.begin(5)
    _receive(upload, name, content)
    _receive(upload, "b.txt", b"fine")
    bad, good = upload.finish()
    assert (bad.state, good.state) == (FileState.FAILED, FileState.QUEUED)
    assert reason in (bad.reason or "")
    assert not upload.path(bad).exists()
    upload.discard()


def test_the_second_of_a_name_and_the_one_too_many_are_refused(uploads: UploadFolder) -> None:
    upload = uploads.begin(2)
    _receive(upload, "a.txt", b"one")
    _receive(upload, "a.txt", b"two")
    assert [file.state for file in upload.finish()] == [FileState.QUEUED, FileState.FAILED]
    with pytest.raises(TooLarge, match="An upload may have 2 files"):
        upload.begin_file("b.txt")
    upload.refuse("a.txt", "Not this one.")
    assert upload.finish()[0].reason == "Not this one."
    assert not upload.path(upload.finish()[0]).exists()
    upload.discard()


def test_an_upload_without_files_is_none(uploads: UploadFolder) -> None:
    upload = uploads.begin(2)
    with pytest.raises(UsageError, match="has no files"):
        upload.finish()
    with pytest.raises(TypeError):
        upload.write(b"x")
    upload.discard()


def test_what_broke_off_is_swept_and_what_is_held_or_known_is_not(uploads: UploadFolder) -> None:
    held, broken, known = (uploads.begin(1) for _ in range(3))
    broken.release()
    known.release()
    uploads.sweep(lambda id_: id_ == known.id)
    assert uploads.file(held.id, "").is_dir()
    assert uploads.file(known.id, "").is_dir()
    assert not uploads.file(broken.id, "").exists()
    with pytest.raises(Timeout):
        uploads.lock(held.id).acquire(blocking=False)
    held.discard()


def test_parts_of_an_upload_go_by_themselves(uploads: UploadFolder) -> None:
    upload = uploads.begin(1)
    part = uploads.part(upload.id)
    (part / "x").write_bytes(b"x")
    assert uploads.has_files(upload.id)
    uploads.discard_part(part)
    assert not uploads.has_files(upload.id)
    upload.discard()
    uploads.make(upload.id)
    assert uploads.file(upload.id, "").is_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="Check the permissions of KB_HOME"):
        UploadFolder(tmp_path, detect).begin(1)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\ann\\报价.txt", "Users/ann/报价.txt"),
        (" a / b .txt ", "a/b .txt"),
        ("./x", "x"),
    ],
)
def test_a_name_that_a_client_gave_leads_nowhere(given_name: str, name: str) -> None:
    assert upload_name(given_name) == name


@pytest.mark.parametrize("name", ["", "/", "..", "../..", "C:", " "])
def test_a_name_of_which_nothing_is_left(name: str) -> None:
    with pytest.raises(UsageError, match="is no file name"):
        upload_name(name)


@given(st.text("ab./\\: ", min_size=1, max_size=20))
def test_no_name_ever_climbs(name: str) -> None:
    try:
        found = upload_name(name)
    except UsageError:
        return
    path = PurePosixPath(found)
    assert not path.is_absolute()
    assert not {"..", "."} & set(found.split("/"))
    assert upload_name(found) == found
