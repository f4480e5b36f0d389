"""Texts of a mail's parts and headers, however they were encoded."""

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value

from kb_server.text.characters import clean
from loaders.decode.decoder import Undecodable, decode

_FOLD = re.compile(r"[\r\n]+\s*")


def part_text(part: Message) -> str:
    """Return the text of a part; what is no text in any encoding is empty."""
    data = part_bytes(part)
    try:
        return clean(decode(data, part.get_content_charset()))
    except Undecodable:
        return ""


def part_bytes(part: Message) -> bytes:
    """Return what a part holds, with the transfer encoding undone; bytes that break it off end it."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def header_text(message: Message, name: str) -> str:
    """Return a header's values, decoded, with commas between; empty if there is none."""
    return ", ".join(filter(None, map(decoded, _raw_values(message, name))))


def file_name(part: Message) -> str:
    """Return the name that a part gives its file, decoded; empty if none."""
    return _parameter(part, "Content-Disposition", "filename") or _parameter(part, "Content-Type", "name")


def _parameter(part: Message, header: str, name: str) -> str:
    mended = Message()
    for value in _raw_values(part, header):
        mended[header] = _mended(_FOLD.sub(" ", value))
    found = mended.get_param(name, None, header)
    return decoded(collapse_rfc2231_value(found)) if found else ""


def _raw_values(message: Message, name: str) -> list[str]:
    """Return values as they are in the file: the parser gives up those with bytes that are not ASCII."""
    return [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]


def decoded(raw: str) -> str:
    """Decode a header's encoded words, and bytes that should have been encoded and were not."""
    unfolded = _FOLD.sub(" ", raw).strip()
    try:
        return "".join(_chunk(text, charset) for text, charset in decode_header(_mended(unfolded)))
    except (HeaderParseError, binascii.Error, ValueError):
        return unfolded


def _chunk(text: str | bytes, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return decode(text, charset)
    except Undecodable:
        return text.decode("ascii", "replace")


def _mended(raw: str) -> str:
    """Decode the 8-bit characters that the parser keeps as lone surrogates."""
    if raw.isascii():
        return raw
    try:
        return decode(raw.encode("utf-8", "surrogateescape"))
    except (Undecodable, UnicodeEncodeError):
        return raw.encode("ascii", "replace").decode("ascii")
