"""Mail: headers, the text once, attachments apart."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders import load


def _load(folder: Path, content: bytes, name: str = "a.eml") -> Document:
    path = folder / name
    path.write_bytes(content)
    return load(path, name)


def _message(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {"Subject": "会议纪要", "From": "Ann <ann@x.org>", "To": "bob@x.org", **headers}.items():
        message[name] = value
    return message


def test_headers_and_the_text_once(tmp_path: Path) -> None:
    message = _message(Date="Tue, 29 Jul 2025 12:42:06 +0000")
    message.set_content("Hello,\n\nthe budget is 4711 euros.\n")
    message.add_alternative("<p>Hello,</p><p>the <b>budget</b> is 4711 euros.</p>", subtype="html")
    message.add_attachment(b"words", maintype="text", subtype="plain", filename="报价.txt")
    document = _load(tmp_path, message.as_bytes())
    assert document.text.split("\n\n") == [
        "会议纪要",
        "From: Ann <ann@x.org>\nTo: bob@x.org\nDate: Tue, 29 Jul 2025 12:42:06 +0000\nAttachments: 报价.txt",
        "Hello,",
        "the budget is 4711 euros.",
    ]
    assert {block.heading_path for block in document.blocks} == {("会议纪要",)}


def test_plain_text_that_says_something_else_stays(tmp_path: Path) -> None:
    message = _message()
    message.set_content("Your access code: violet elephant umbrella.")
    message.add_alternative("<p>Open this in a browser.</p>", subtype="html")
    text = _load(tmp_path, message.as_bytes()).text
    assert "violet elephant" in text
    assert "browser" in text


def test_headers_that_were_never_encoded(tmp_path: Path) -> None:
    raw = "From: 张三 <a@x.cn>\nSubject: 关于采购合同的通知\nMIME-Version: 1.0\n\n内容见附件。".encode("gbk")
    text = _load(tmp_path, raw).text
    assert text.split("\n\n") == ["关于采购合同的通知", "From: 张三 <a@x.cn>", "内容见附件。"]


def test_a_file_name_that_was_never_encoded(tmp_path: Path) -> None:
    part = "--f\nContent-Type: text/plain\nContent-Disposition: attachment; filename=采购合同附件.txt\n\nx\n--f--\n"
    raw = f"Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=f\n\n{part}".encode("gbk")
    assert "Attachments: 采购合同附件.txt" in _load(tmp_path, raw).text


@pytest.mark.parametrize("charset", ["UTF-80000", "gb2312", "", "none such"])
def test_an_impossible_charset_is_no_obstacle(tmp_path: Path, charset: str) -> None:
    raw = f'Subject: s\nMIME-Version: 1.0\nContent-Type: text/plain; charset="{charset}"\n\n今天下午三点开会。'.encode()
    assert _load(tmp_path, raw).text.endswith("今天下午三点开会。")


def test_mail_under_another_name(tmp_path: Path) -> None:
    message = _message()
    message["Message-ID"] = "<1@x.org>"
    message.set_content("Body.")
    assert _load(tmp_path, message.as_bytes(), "mail.txt").text.startswith("会议纪要\n\nFrom: Ann")


def test_a_text_that_begins_like_a_mail_is_text(tmp_path: Path) -> None:
    assert _load(tmp_path, b"Subject: x\nTo: everyone who reads\n\nwords", "a.txt").text.startswith("Subject: x")


def test_encrypted_mail_is_refused(tmp_path: Path) -> None:
    head = b"Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary=f\n\n"
    raw = head + b"--f\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--f--\n"
    with pytest.raises(LoadError, match="encrypted mail"):
        _load(tmp_path, raw)


def test_parts_within_parts_without_end(tmp_path: Path) -> None:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    with pytest.raises(LoadError, match="nested too deeply"):
        _load(tmp_path, b"Subject: s\nMIME-Version: 1.0\n" + parts)


def test_saved_web_pages(tmp_path: Path) -> None:
    raw = (
        b"From: <Saved by Blink>\nSnapshot-Content-Location: https://x.org/\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/related; boundary=f\n\n--f\nContent-Type: text/html; charset=utf-8\n"
        b"Content-Transfer-Encoding: quoted-printable\n\n<h1>Caf=C3=A9</h1><p>Open daily.</p>\n--f--\n"
    )
    assert _load(tmp_path, raw, "page.mhtml").text == "Café\n\nOpen daily."
