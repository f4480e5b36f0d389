"""Archives and attachments: bounded, named after where they were, bad members apart."""

import re
import struct
import zipfile
from collections.abc import Sequence
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders import unpack
from loaders.unpack import members as unpacking
from tests.paths import DATA


def _zip(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


LOCKED = DATA / "locked.zip"  # with "harbour", by Info-ZIP


def _unpacked(
    folder: Path, content: bytes, name: str = "a.zip", passwords: Sequence[str] = ()
) -> dict[str, bytes | str]:
    """Return each member's bytes, or the reason why there are none."""
    path = folder / "source"
    path.write_bytes(content)
    (folder / "out").mkdir(exist_ok=True)
    members = unpack(path, name, folder / "out", passwords)
    assert members is not None
    return {each.name: each.path.read_bytes() if each.path else each.reason for each in members}


def test_members_of_members(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "s"
    mail["Message-ID"] = "<1@x>"
    mail.set_content("body")
    mail.add_attachment(b"first", maintype="text", subtype="plain", filename="note.txt")
    mail.add_attachment(b"second", maintype="text", subtype="plain", filename="note.txt")
    inner = _zip({"deep/b.md": "# B"})
    found = _unpacked(tmp_path, _zip({"x/a.txt": "A", "inner.zip": inner, "m.eml": mail.as_bytes(), ".DS_Store": "x"}))
    assert set(found) == {
        "a.zip/x/a.txt",
        "a.zip/inner.zip/deep/b.md",
        "a.zip/m.eml",
        "a.zip/m.eml/note.txt",
        "a.zip/m.eml/note (2).txt",
    }
    assert found["a.zip/inner.zip/deep/b.md"] == b"# B"
    assert found["a.zip/m.eml/note (2).txt"] == b"second"


def test_a_mail_within_a_mail(tmp_path: Path) -> None:
    inner = EmailMessage()
    inner["Subject"] = "Re: a/b"
    inner.set_content("inner words")
    outer = EmailMessage()
    outer["Subject"] = "outer"
    outer.set_content("see below")
    outer.add_attachment(inner)
    found = _unpacked(tmp_path, outer.as_bytes(), "m.eml")
    assert list(found) == ["m.eml", "m.eml/Re: a b.eml"]
    assert b"inner words" in bytes(found["m.eml/Re: a b.eml"])  # type: ignore[arg-type]  # it is no reason


def test_no_member_leaves_the_folder(tmp_path: Path) -> None:
    names = ["../../up.txt", "/root.txt", "c:\\windows\\x.txt", "a/../b.txt", "\x01\n.txt"]
    found = _unpacked(tmp_path, _zip(dict.fromkeys(names, "x")))
    assert set(found) == {
        "a.zip/up.txt",
        "a.zip/root.txt",
        "a.zip/c:/windows/x.txt",
        "a.zip/a/b.txt",
        "a.zip/\x01\n.txt",
    }
    assert {path.name for path in tmp_path.iterdir()} == {"source", "out"}


def test_names_in_the_encoding_of_a_country(tmp_path: Path) -> None:
    data = _zip({"XXXXXXXX.txt": "words"}).replace(b"XXXXXXXX", "合同附件".encode("gbk"))
    assert list(_unpacked(tmp_path, data)) == ["a.zip/合同附件.txt"]


def test_a_bomb_is_told_by_its_ratio(tmp_path: Path) -> None:
    found = _unpacked(tmp_path, _zip({"bomb.txt": b"\0" * (60 << 20), "good.txt": "words"}))
    assert "times its size" in str(found["a.zip/bomb.txt"])
    assert found["a.zip/good.txt"] == b"words"


def test_the_bounds_hold_over_all_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MOST_FILES", 2)
    found = _unpacked(tmp_path, _zip({f"{n}.txt": "x" for n in range(4)}))
    assert list(found) == ["a.zip/0.txt", "a.zip/1.txt", "a.zip"], "one line stands for all that is left"
    assert "more than 2 files" in str(found["a.zip"])
    nested = _zip({"in.zip": _zip({f"{n}.txt": "x" for n in range(4)}), "last.txt": "x"})
    assert list(_unpacked(tmp_path, nested)) == ["a.zip/in.zip/0.txt", "a.zip/in.zip", "a.zip"]
    mail = EmailMessage()
    mail["Message-ID"] = "<1@x>"
    mail.set_content("body")
    for number in range(4):
        mail.add_attachment(b"x", maintype="text", subtype="plain", filename=f"{number}.txt")
    found = _unpacked(tmp_path, bytes(mail), "a.eml")
    assert list(found) == ["a.eml", "a.eml/0.txt", "a.eml/1.txt", "a.eml/2.txt"]
    assert "'a.eml' holds more than 2 files" in str(found["a.eml/2.txt"])


def test_too_many_bytes_cost_the_member_that_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MOST_BYTES", 1 << 20)
    found = _unpacked(tmp_path, _zip({"large.txt": b"words " * 200_000, "small.txt": "words"}))
    assert "more than 1 MB" in str(found["a.zip/large.txt"])
    assert found["a.zip/small.txt"] == b"words"


def test_archives_nested_without_end(tmp_path: Path) -> None:
    data = _zip({"a.txt": "x"})
    for _ in range(10):
        data = _zip({"in.zip": data})
    [reason] = _unpacked(tmp_path, data).values()
    assert "archive within 4 others" in str(reason)


def test_damaged_and_locked_members_cost_only_themselves(tmp_path: Path) -> None:
    data = bytearray(_zip({"bad.txt": b"A" * 50, "locked.txt": b"B" * 50, "good.txt": b"C" * 50}, zipfile.ZIP_STORED))
    data[data.index(b"A" * 50)] = ord("Z")
    entry = data.index(b"locked.txt", data.index(b"PK\x01\x02")) - 46
    struct.pack_into("<H", data, entry + 8, 1)
    found = _unpacked(tmp_path, bytes(data))
    assert "damaged" in str(found["a.zip/bad.txt"])
    assert "password" in str(found["a.zip/locked.txt"])
    assert found["a.zip/good.txt"] == b"C" * 50


def test_locked_members_are_opened_with_the_password_that_fits(tmp_path: Path) -> None:
    found = _unpacked(tmp_path, LOCKED.read_bytes(), passwords=["wrong", "harbour", "another"])
    assert found == {
        "a.zip/keeper.txt": b"The keeper of the tower is Anna.\n",
        "a.zip/boats.txt": b"Bert paints boats.\n",
    }


@pytest.mark.parametrize(
    ("passwords", "reason"),
    [((), r"protected by a password\. Give"), (("wrong",), r"a password that is not in loading\.passwords\. Give")],
)
def test_members_without_a_password_say_so(tmp_path: Path, passwords: Sequence[str], reason: str) -> None:
    found = _unpacked(tmp_path, LOCKED.read_bytes(), passwords=passwords)
    assert len(found) == 2
    assert all(re.search(reason, str(each)) for each in found.values())


def test_members_locked_with_aes_say_so(tmp_path: Path) -> None:
    data = bytearray(LOCKED.read_bytes())
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, entry + 10, 99)
    reasons = _unpacked(tmp_path, bytes(data), passwords=["harbour"])
    assert "AES" in str(reasons["a.zip/keeper.txt"])
    assert reasons["a.zip/boats.txt"] == b"Bert paints boats.\n"


@pytest.mark.parametrize(("content", "reason"), [(_zip({}), "without files"), (_zip({"a/": ""}), "without files")])
def test_an_archive_of_nothing(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        _unpacked(tmp_path, content)


@pytest.mark.parametrize("content", [b"words", b"", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_other_files_hold_no_others(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    assert unpack(path, "a.txt", tmp_path) is None
