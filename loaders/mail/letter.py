"""What a mail is, whatever program wrote it."""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bs4 import BeautifulSoup

from kb_server.text.characters import squeeze
from loaders.builder import DocumentBuilder
from loaders.pictures.picture import EmbeddedPictures
from loaders.plain.text import add_text
from loaders.web.html import add_html

_WORD = re.compile(r"\w+")
_MOST_DIFFERENT = 0.5


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a mail; `name` is a file name, never a path."""

    name: str
    data: bytes


@dataclass(slots=True)
class Letter:
    """A mail: its headers as (name, text), its text as plain and as HTML, pictures shown in it, files attached."""

    subject: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


def add_letter(builder: DocumentBuilder, letter: Letter) -> None:
    """Feed a mail to a builder: its subject is the heading, its headers are lines, its text stands there once.

    Where a mail has its text twice the HTML is read, for it has the structure; the plain one too, if it says something
    else.
    """
    builder.heading(0, letter.subject)
    builder.lines(_header_lines(letter))
    for page in letter.html:
        add_html(builder, page)
    for text in letter.plain:
        if not letter.html or _says_something_else(text, letter.html):
            add_text(builder, text)
    pictures = EmbeddedPictures(builder)
    for picture in letter.pictures:
        pictures.add(picture)


def _header_lines(letter: Letter) -> str:
    names = ", ".join(attachment.name for attachment in letter.attachments)
    headers = [*letter.headers, ("Attachments", names)]
    return "\n".join(f"{name}: {squeeze(text)}" for name, text in headers if text.strip())


def attachment_name(name: str, number: int, suffix: str = "") -> str:
    """Return the last part of a file name that a stranger gave, or one made from the number."""
    last = PurePosixPath(name.replace("\\", "/").replace("\n", " ").strip()).name
    return last if last not in ("", ".", "..") else f"attachment-{number}{suffix}"


def _says_something_else(plain: str, pages: list[str]) -> bool:
    words = set(_WORD.findall(plain.lower()))
    shown = {word for page in pages for word in _WORD.findall(BeautifulSoup(page, "html.parser").get_text().lower())}
    return bool(words) and len(words - shown) > _MOST_DIFFERENT * len(words)
