"""Zip files are opened within bounds."""

import zipfile
from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.unpack import archive as archives
from loaders.unpack.archive import open_archive


def _zip(path: Path, content: bytes = b"words " * 100, comment: bytes = b"") -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", content)
        archive.comment = comment
    return path.read_bytes()


@pytest.mark.parametrize("comment", [b"", b"c" * 0xFFFF])
def test_what_was_put_in_comes_out(tmp_path: Path, comment: bytes) -> None:
    """A comment may push the end record up to 65,535 bytes away from the end."""
    _zip(tmp_path / "a.zip", comment=comment)
    with open_archive(tmp_path / "a.zip", "a.zip") as archive:
        assert archive.read("a.txt") == b"words " * 100


def test_members_that_come_to_more_than_the_limit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED", 600)
    _zip(tmp_path / "a.zip")
    with open_archive(tmp_path / "a.zip", "a.zip"):
        pass
    _zip(tmp_path / "a.zip", b"words " * 101)
    with (
        pytest.raises(LoadError, match=r"'a\.zip' would unpack to 0\.0 GB\. Split it"),
        open_archive(tmp_path / "a.zip", "a.zip"),
    ):
        pass


def test_a_member_that_says_it_is_small_is_read_no_further(tmp_path: Path) -> None:
    """The bound is on what the list states; what a member holds beyond it is an error and not memory."""
    data = bytearray(_zip(tmp_path / "a.zip", b"x" * 100_000))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with open_archive(tmp_path / "a.zip", "a.zip") as archive, pytest.raises(zipfile.BadZipFile, match="CRC"):
        archive.read("a.txt")


@pytest.mark.parametrize("keep", [0, 10, 60, -1, -10])
def test_one_that_breaks_off_is_damaged(tmp_path: Path, keep: int) -> None:
    data = _zip(tmp_path / "a.zip")
    (tmp_path / "a.zip").write_bytes(data[:keep])
    with pytest.raises(LoadError, match=r"'a\.zip' is a damaged"), open_archive(tmp_path / "a.zip", "a.zip"):
        pass


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    data = bytearray(_zip(tmp_path / "a.zip"))
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(LoadError, match="too many files"), open_archive(tmp_path / "a.zip", "a.zip"):
        pass
