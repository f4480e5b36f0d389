"""Files that a client keeps here: its own alone, within its quota."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.catalog.database import Database
from kb_server.catalog.kept_files import KeptFiles
from kb_server.core.errors import NotFound, TooLarge, UsageError
from kb_server.ingest.kept_files import KeptFileService
from kb_server.ingest.uploads import Upload, UploadFolder
from loaders.kind import detect


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KeptFileService]:
    database = Database(f"sqlite:///{tmp_path / 'catalog.db'}")
    yield KeptFileService(KeptFiles(database), tmp_path, quota=10)
    database.close()


def _upload(tmp_path: Path, **files: bytes) -> Upload:
    upload = UploadFolder(tmp_path, detect).begin(5)
    for name, content in files.items():
        upload.begin_file(f"{name}.txt")
        upload.write(content)
        upload.end_file()
    return upload


def test_one_is_kept_found_and_deleted_by_its_owner_alone(service: KeptFileService, tmp_path: Path) -> None:
    kept = service.keep("ann", _upload(tmp_path, a=b"words"), "assistants")
    assert (kept.name, kept.size, kept.purpose) == ("a.txt", 5, "assistants")
    assert service.path(kept).read_bytes() == b"words"
    assert service.find("ann", kept.id) == kept
    assert (service.of("ann"), service.of("bob")) == ([kept], [])
    for use in (service.find, service.delete):
        with pytest.raises(NotFound, match=kept.id):
            use("bob", kept.id)
    service.delete("ann", kept.id)
    assert not service.path(kept).exists()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_the_quota_is_each_owners(service: KeptFileService, tmp_path: Path) -> None:
    first = service.keep("ann", _upload(tmp_path, a=b"123456"), "x")
    with pytest.raises(TooLarge):
        service.keep("ann", _upload(tmp_path, b=b"12345"), "x")
    service.keep("bob", _upload(tmp_path, b=b"12345"), "x")
    service.keep("ann", _upload(tmp_path, b=b"1234"), "x")
    service.delete("ann", first.id)
    assert [one.name for one in service.of("ann")] == ["b.txt"]
    assert len(list((tmp_path / "files").iterdir())) == 2


@pytest.mark.parametrize(
    ("files", "reason"),
    [({"a": b"1", "b": b"2"}, "has 2 files"), ({"a": b"\x7fELF\0"}, "is not taken: .*a program"), ({}, "no files")],
)
def test_what_is_not_one_document_is_refused_and_leaves_nothing(
    service: KeptFileService, tmp_path: Path, files: dict[str, bytes], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        service.keep("ann", _upload(tmp_path, **files), "x")
    assert service.of("ann") == []
    assert list((tmp_path / "uploads").iterdir()) == []
