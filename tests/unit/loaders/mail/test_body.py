"""Texts of parts and headers, however they were encoded (RFC 2047, RFC 2231)."""

from email import message_from_bytes
from email.header import Header
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.mail.body import decoded, file_name, header_text, part_bytes, part_text

_READABLE = st.text(st.characters(categories=["L", "N"], max_codepoint=0x9FFF), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?B?5Lya6K6u?=", "会议"),
        ("=?gb2312?Q?=BB=E1=D2=E9?=", "会议"),
        ("=?iso-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@x.dk>", "Keld Jørn Simonsen <keld@x.dk>"),
        ("=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"),  # RFC 2047, 8: white space between encoded words is dropped
        ("plain\r\n\tfolded", "plain folded"),
        ("=?utf-8?B?broken", "=?utf-8?B?broken"),
        ("=?no-such-charset?Q?caf=C3=A9?=", "café"),
    ],
)
def test_headers_are_decoded(raw: str, text: str) -> None:
    assert decoded(raw) == text


@given(_READABLE)
def test_what_python_encodes_is_read_back(text: str) -> None:
    assert decoded(Header(text, "utf-8").encode()) == text


def test_values_of_a_header_that_stands_twice_are_joined() -> None:
    message = message_from_bytes(b"To: a@x.org\nto: =?utf-8?Q?b?= <b@x.org>\nTo:\n\n")
    assert header_text(message, "To") == "a@x.org, b <b@x.org>"
    assert header_text(message, "Cc") == ""


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('Content-Disposition: attachment; filename="a b.txt"', "a b.txt"),
        ("Content-Disposition: attachment; filename*=UTF-8''%e6%8a%a5%e4%bb%b7.txt", "报价.txt"),
        ('Content-Disposition: attachment; filename*0="long-"; filename*1="name.txt"', "long-name.txt"),
        ('Content-Type: text/plain; name="=?utf-8?B?5oql5Lu3?=.txt"', "报价.txt"),
        ("Content-Type: text/plain", ""),
    ],
)
def test_names_of_files(header: str, name: str) -> None:
    assert file_name(message_from_bytes(f"{header}\n\nx".encode())) == name


def _part(head: str, body: bytes) -> Message:
    return message_from_bytes(head.encode() + b"\n\n" + body)


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", b"5Lya6K6u", "会议"),
        ("Content-Type: text/plain; charset=big5", "會議記錄在此".encode("big5"), "會議記錄在此"),
        (
            "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable",
            b"caf=C3=A9 =\nau lait",
            "café au lait",
        ),
        ("Content-Type: text/plain", bytes(range(256)) * 4, ""),
    ],
)
def test_texts_of_parts(head: str, body: bytes, text: str) -> None:
    assert part_text(_part(head, body)) == text


def test_base64_that_breaks_off_gives_what_is_there() -> None:
    assert part_bytes(_part("Content-Transfer-Encoding: base64", b"AAECAwQF\nBgc")).startswith(b"\0\1\2\3\4\5")
