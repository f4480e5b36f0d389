"""Mail: headers, the text once, attachments apart."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.mail.eml import MailLoader, read_letter
from loaders.mail.letter import Letter


def _load(folder: Path, content: bytes) -> Document:
    path = folder / "a.eml"
    path.write_bytes(content)
    return MailLoader().load(path, "a.eml")


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


@pytest.mark.parametrize("charset", ["UTF-80000", "gb2312", "", "none such"])
def test_an_impossible_charset_is_no_obstacle(tmp_path: Path, charset: str) -> None:
    raw = f'Subject: s\nMIME-Version: 1.0\nContent-Type: text/plain; charset="{charset}"\n\n今天下午三点开会。'.encode()
    assert _load(tmp_path, raw).text.endswith("今天下午三点开会。")


def test_encrypted_mail_is_refused(tmp_path: Path) -> None:
    head = b"Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary=f\n\n"
    raw = head + b"--f\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--f--\n"
    with pytest.raises(LoadError, match="encrypted mail"):
        _load(tmp_path, raw)


def test_parts_within_parts_without_end(tmp_path: Path) -> None:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    with pytest.raises(LoadError, match="nested too deeply"):
        _load(tmp_path, b"Subject: s\nMIME-Version: 1.0\n" + parts)


def test_headers_that_were_never_encoded(tmp_path: Path) -> None:
    raw = "From: 张三 <a@x.cn>\nSubject: 关于采购合同的通知\nMIME-Version: 1.0\n\n内容见附件。".encode("gbk")
    text = _load(tmp_path, raw).text
    assert text.split("\n\n") == ["关于采购合同的通知", "From: 张三 <a@x.cn>", "内容见附件。"]


def test_a_file_name_that_was_never_encoded(tmp_path: Path) -> None:
    part = "--f\nContent-Type: text/plain\nContent-Disposition: attachment; filename=采购合同附件.txt\n\nx\n--f--\n"
    raw = f"Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=f\n\n{part}".encode("gbk")
    assert "Attachments: 采购合同附件.txt" in _load(tmp_path, raw).text


def _letter(folder: Path, message: EmailMessage) -> Letter:
    (folder / "a.eml").write_bytes(message.as_bytes())
    return read_letter(folder / "a.eml", "a.eml")


def test_a_mail_within_the_mail_is_an_attachment_named_by_its_subject(tmp_path: Path) -> None:
    inner = _message(Subject="Re: a/b")
    inner.set_content("The inner text.")
    message = _message()
    message.set_content("See below.")
    message.add_attachment(inner)
    letter = _letter(tmp_path, message)
    assert letter.plain == ["See below.\n"]
    assert [each.name for each in letter.attachments] == ["Re: a b.eml"]
    assert b"The inner text." in letter.attachments[0].data


def test_pictures_that_the_text_shows_are_no_attachments_and_signatures_are_nothing(tmp_path: Path) -> None:
    message = _message()
    message.set_content("<img src='cid:shown@x'>", subtype="html")
    message.add_attachment(b"1", maintype="image", subtype="png", filename="shown.png", cid="<shown@x>")
    message.add_attachment(b"2", maintype="image", subtype="png", filename="sent.png")
    message.add_attachment(b"3", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    letter = _letter(tmp_path, message)
    assert letter.pictures == [b"1"]
    assert [(each.name, each.data) for each in letter.attachments] == [("sent.png", b"2")]


def test_a_mail_saved_as_utf16(tmp_path: Path) -> None:
    text = _load(tmp_path, "Subject: 会议\nFrom: a@x.org\n\n内容".encode("utf-16")).text
    assert text == "会议\n\nFrom: a@x.org\n\n内容"


def test_what_has_no_headers_is_no_mail(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"'a\.eml' is no mail: it has no headers"):
        _load(tmp_path, b"plain words")
