"""Mail as Outlook saves it, written property by property as [MS-OXMSG] says."""

import struct
from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.mail.outlook import OutlookLoader, read_letter
from tests.unit.loaders.legacy_office.compound import Tree, write_compound

_TEXT, _BYTES, _TIME, _NUMBER = 0x001F, 0x0102, 0x0040, 0x0003
_SUBJECT, _BODY, _HTML, _HEADERS, _CODE_PAGE = 0x0037, 0x1000, 0x1013, 0x007D, 0x3FDE
_SENDER, _SENDER_ADDRESS, _SENT = 0x0C1A, 0x0C1F, 0x0039
_NAME, _ADDRESS = 0x3001, 0x39FE
_DATA, _FILE_NAME, _MIME, _CONTENT_ID = 0x3701, 0x3707, 0x370E, 0x3712


def _storage(head: int, properties: dict[int, str | bytes | int]) -> Tree:
    """Write properties: those of a fixed size in one stream, behind `head` bytes, the others in one each."""
    tree: Tree = {}
    entries = bytes(head)
    for number, value in properties.items():
        if isinstance(value, int):
            kind = _TIME if number == _SENT else _NUMBER
            entries += struct.pack("<HHIQ", kind, number, 6, value)
            continue
        kind, raw = (_TEXT, value.encode("utf-16-le")) if isinstance(value, str) else (_BYTES, value)
        entries += struct.pack("<HHIQ", kind, number, 6, len(raw) + (2 if kind == _TEXT else 0))
        tree[f"__substg1.0_{number:04X}{kind:04X}"] = raw
    tree["__properties_version1.0"] = entries
    return tree


def _write(path: Path, properties: dict[int, str | bytes | int], *attached: dict[int, str | bytes | int]) -> None:
    tree = _storage(32, properties)
    for number, each in enumerate(attached):
        tree[f"__attach_version1.0_#{number:08X}"] = _storage(8, each)
    tree["__recip_version1.0_#00000000"] = _storage(8, {_NAME: "Bob", _ADDRESS: "bob@x.org"})
    write_compound(path, tree)


def test_headers_text_and_the_names_of_attachments(tmp_path: Path) -> None:
    filetime = 133_511_634_000_000_000  # 2024-01-31 08:30:00 in units of 100 ns since 1601
    _write(
        tmp_path / "a.msg",
        {_SUBJECT: "会议纪要", _BODY: "The budget.", _SENDER: "Ann", _SENDER_ADDRESS: "ann@x.org", _SENT: filetime},
        {_DATA: b"words", _FILE_NAME: "..\\报价.txt"},
    )
    assert OutlookLoader().load(tmp_path / "a.msg", "a.msg").text.split("\n\n") == [
        "会议纪要",
        'From: "Ann" <ann@x.org>\nTo: Bob <bob@x.org>\nDate: 2024-01-31 08:30:00+00:00\nAttachments: 报价.txt',
        "The budget.",
    ]


def test_headers_that_came_with_the_mail_go_before_outlooks_own(tmp_path: Path) -> None:
    _write(tmp_path / "a.msg", {_HEADERS: "To: all@x.org\r\nCc: Eve <eve@x.org>\r\n\r\n", _BODY: "x"})
    headers = dict(read_letter(tmp_path / "a.msg", "a.msg").headers)
    assert (headers["To"], headers["Cc"]) == ("all@x.org", "Eve <eve@x.org>")


def test_html_in_the_code_page_of_the_mail(tmp_path: Path) -> None:
    _write(tmp_path / "a.msg", {_HTML: "<p>Привет</p>".encode("cp1251"), _CODE_PAGE: 1251})
    assert read_letter(tmp_path / "a.msg", "a.msg").html == ["<p>Привет</p>"]


def test_a_picture_that_the_text_shows_is_no_attachment(tmp_path: Path) -> None:
    shown: dict[int, str | bytes | int] = {_DATA: b"1", _MIME: "image/png", _CONTENT_ID: "a@x", _FILE_NAME: "a.png"}
    _write(tmp_path / "a.msg", {_BODY: "x"}, shown, {_DATA: b"2", _MIME: "image/png"}, {_DATA: b"", _FILE_NAME: "c"})
    letter = read_letter(tmp_path / "a.msg", "a.msg")
    assert letter.pictures == [b"1"]
    assert [(each.name, each.data) for each in letter.attachments] == [("attachment-1", b"2")]


def test_an_encrypted_mail_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "a.msg", {_SUBJECT: "s"}, {_DATA: b"x", _FILE_NAME: "smime.p7m"})
    with pytest.raises(LoadError, match=r"'a\.msg' is an encrypted mail"):
        read_letter(tmp_path / "a.msg", "a.msg")


@pytest.mark.parametrize("keep", [0, 512, 1200, 1700])
def test_one_that_breaks_off_is_damaged(tmp_path: Path, keep: int) -> None:
    _write(tmp_path / "a.msg", {_SUBJECT: "s", _BODY: "x" * 5000})
    (tmp_path / "a.msg").write_bytes((tmp_path / "a.msg").read_bytes()[:keep])
    with pytest.raises(LoadError, match=r"'a\.msg' is a damaged Office document"):
        read_letter(tmp_path / "a.msg", "a.msg")
