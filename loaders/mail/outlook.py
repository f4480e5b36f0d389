"""Mail as Outlook saves it (.msg)."""

from pathlib import Path

from oxmsg import Message
from oxmsg.attachment import Attachment as OutlookAttachment
from oxmsg.domain.constants import PID_ATTACH_CONTENT_ID

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.legacy_office.ole import damaged
from loaders.mail.letter import Attachment, Letter, add_letter, attachment_name

_BROKEN = (OSError, ValueError, LookupError, AttributeError, AssertionError, TypeError, OverflowError)
# python-oxmsg has no error class of its own: these are what it runs into in a damaged file
_ENCRYPTED = ("smime.p7m", ".pgp-encrypted")


class OutlookLoader:
    """Reads headers and text of a mail; attachments are documents of their own (see `loaders.unpack.members`)."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        add_letter(builder, read_letter(path, name))
        return builder.build()


def read_letter(path: Path, name: str) -> Letter:
    """Take a mail apart; raises LoadError for one that is encrypted or damaged."""
    try:
        message = Message.load(str(path))
        letter = _letter(message)
    except _BROKEN as error:
        raise damaged(name) from error
    if any(attachment.name.lower().endswith(_ENCRYPTED) for attachment in letter.attachments):
        raise LoadError(f"'{name}' is an encrypted mail.", "Save it decrypted.")
    return letter


def _letter(message: Message) -> Letter:
    letter = Letter(message.subject or "", _headers(message))
    letter.plain += [message.body] if message.body else []
    letter.html += [message.html_body] if message.html_body else []
    for attachment in message.attachments:
        _sort_in(letter, attachment)
    return letter


def _headers(message: Message) -> list[tuple[str, str]]:
    sent = message.sent_date
    headers = message.message_headers
    people = [f"{person.name} <{person.email_address}>" for person in message.recipients]
    return [
        ("From", message.sender or ""),
        ("To", headers.get("To") or ", ".join(people)),
        ("Cc", headers.get("Cc", "")),
        ("Date", sent.isoformat(sep=" ") if sent else ""),
    ]


def _sort_in(letter: Letter, attachment: OutlookAttachment) -> None:
    data = attachment.file_bytes
    if not data:
        return
    is_shown = attachment.properties.str_prop_value(PID_ATTACH_CONTENT_ID) is not None
    if is_shown and (attachment.mime_type or "").startswith("image/"):
        letter.pictures.append(data)
    else:
        given = attachment_name(attachment.file_name or "", len(letter.attachments) + 1)
        letter.attachments.append(Attachment(given, data))
