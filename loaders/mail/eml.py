"""Mail as it is sent (RFC 5322 and MIME)."""

import email.policy
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.decode.decoder import Undecodable, decode
from loaders.mail.body import file_name, header_text, part_bytes, part_text
from loaders.mail.letter import Attachment, Letter, add_letter, attachment_name
from loaders.source import read_bytes

_HEADERS = ("From", "To", "Cc", "Bcc", "Date")
_ENCRYPTED = (
    "multipart/encrypted", "application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime",
)  # fmt: skip
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")


class MailLoader:
    """Reads headers and text of a mail; attachments are documents of their own (see `loaders.unpack.members`)."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        add_letter(builder, read_letter(path, name))
        return builder.build()


def read_letter(path: Path, name: str) -> Letter:
    """Take a mail apart; raises LoadError for one that is encrypted or is no mail at all."""
    try:
        message = message_from_bytes(_as_ascii(read_bytes(path, name)), policy=email.policy.compat32)
        letter = Letter(header_text(message, "Subject"), [(key, header_text(message, key)) for key in _HEADERS])
        for part in _parts(message):
            if part.get_content_type() in _ENCRYPTED:
                raise LoadError(f"'{name}' is an encrypted mail.", "Save it decrypted.")
            _sort_in(letter, part)
    except RecursionError as error:
        raise LoadError(f"'{name}' is nested too deeply.", "Save its attachments one by one.") from error
    if not _has_headers(letter) and "MIME-Version" not in message:
        raise LoadError(f"'{name}' is no mail: it has no headers.", "Save it again, or name it .txt.")
    return letter


def _has_headers(letter: Letter) -> bool:
    return bool(letter.subject) or any(text for _, text in letter.headers)


def _as_ascii(data: bytes) -> bytes:
    """Undo UTF-16, in which some programs save a mail."""
    if b"\0" not in data[:100]:
        return data.lstrip(b"\xef\xbb\xbf\r\n ")
    try:
        return decode(data).encode("utf-8", "ignore")
    except Undecodable:
        return data


def _parts(part: Message) -> Iterator[Message]:
    """Yield the parts that hold something; a mail within the mail is one."""
    if part.get_content_type() == "message/rfc822" or not part.is_multipart():
        yield part
        return
    for child in part.get_payload():
        if isinstance(child, Message):
            yield from _parts(child)


def _sort_in(letter: Letter, part: Message) -> None:
    kind = part.get_content_type()
    attached = part.get_content_disposition() == "attachment"
    texts = {} if attached else {"text/plain": letter.plain, "text/html": letter.html}
    if kind == "message/rfc822":
        letter.attachments.append(_inner_mail(part, len(letter.attachments) + 1))
    elif kind in texts:
        texts[kind].append(part_text(part))
    elif part.get_content_maintype() == "image" and (not attached or _is_shown(part, letter)):
        letter.pictures.append(part_bytes(part))
    elif kind not in _SIGNATURES:
        _attach(letter, part)


def _attach(letter: Letter, part: Message) -> None:
    data = part_bytes(part)
    if data:
        given = attachment_name(file_name(part), len(letter.attachments) + 1)
        letter.attachments.append(Attachment(given, data))


def _is_shown(part: Message, letter: Letter) -> bool:
    """Tell whether the mail's text shows a picture, whatever the part says of itself."""
    identifier = str(part.get("Content-ID", "")).strip("<> ")
    return bool(identifier) and any(f"cid:{identifier}" in page for page in letter.html)


def _inner_mail(part: Message, number: int) -> Attachment:
    inner = part.get_payload(0)
    if not isinstance(inner, Message):
        return Attachment(f"mail-{number}.eml", b"")
    subject = header_text(inner, "Subject").replace("/", " ")
    title = attachment_name(subject, number)
    return Attachment(title if title.lower().endswith(".eml") else f"{title}.eml", inner.as_bytes())
