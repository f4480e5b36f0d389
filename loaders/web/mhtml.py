"""Web pages saved as one file."""

import email.policy
from email import message_from_bytes
from pathlib import Path

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.mail.body import part_text
from loaders.source import read_bytes
from loaders.web.html import add_html


class MhtmlLoader:
    """Reads the page itself, which is the first HTML part, as `HtmlLoader` does."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        message = message_from_bytes(read_bytes(path, name), policy=email.policy.default)
        page = next((part for part in message.walk() if part.get_content_type() == "text/html"), None)
        if page is None:
            raise LoadError(f"'{name}' holds no web page.", "Save the page again.")
        builder = DocumentBuilder(name)
        add_html(builder, part_text(page))
        return builder.build()
