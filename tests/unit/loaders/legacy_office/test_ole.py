"""Compound files: what kind they are, and what they hold."""

from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.formats import Kind
from loaders.legacy_office.ole import ole_kind, streams
from loaders.office.locked import Locked
from tests.unit.loaders.legacy_office.compound import write_compound


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        ("WordDocument", Kind.DOC),
        ("PowerPoint Document", Kind.PPT),
        ("Workbook", Kind.XLS),
        ("Book", Kind.XLS),
        ("__properties_version1.0", Kind.OUTLOOK),
    ],
)
def test_a_stream_tells_the_program(tmp_path: Path, stream: str, kind: Kind) -> None:
    write_compound(tmp_path / "a", {stream: b"x", "other": b"y" * 5000})
    assert ole_kind(tmp_path / "a", "a") is kind


def test_a_mail_with_a_workbook_in_it_is_a_mail(tmp_path: Path) -> None:
    write_compound(tmp_path / "a", {"__properties_version1.0": b"x", "WordDocument": b"y"})
    assert ole_kind(tmp_path / "a", "a") is Kind.OUTLOOK


def test_an_encrypted_package_asks_for_a_password(tmp_path: Path) -> None:
    write_compound(tmp_path / "a", {"EncryptedPackage": b"x", "EncryptionInfo": b"y"})
    with pytest.raises(Locked, match=r"'a' is an Office document protected by a password"):
        ole_kind(tmp_path / "a", "a")


def test_a_program_that_is_not_known(tmp_path: Path) -> None:
    write_compound(tmp_path / "a", {"VisioDocument": b"x"})
    with pytest.raises(LoadError, match="in an Office format that is not supported"):
        ole_kind(tmp_path / "a", "a")


@pytest.mark.parametrize("size", [1, 63, 64, 65, 4095, 4096, 4097, 100_000])
def test_streams_come_out_as_they_went_in(tmp_path: Path, size: int) -> None:
    """Around 64 and 4096 bytes a stream needs one more sector, or leaves the small ones."""
    content = bytes(index % 251 for index in range(size))
    write_compound(tmp_path / "a", {"one": content, "two": b"z"})
    assert streams(tmp_path / "a", "a", "one", "none such", "two") == [content, b"", b"z"]


@pytest.mark.parametrize("keep", [8, 100, 512, 1500])
def test_a_file_that_breaks_off_is_damaged(tmp_path: Path, keep: int) -> None:
    write_compound(tmp_path / "a", {"WordDocument": b"x" * 9000})
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:keep])
    with pytest.raises(LoadError, match="'a' is a damaged Office document"):
        streams(tmp_path / "a", "a", "WordDocument")
