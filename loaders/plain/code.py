"""Source code and settings files."""

from pathlib import Path

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.plain.text import read_text


class CodeLoader:
    """Keeps the file as it is, in one block, with its lines and their indentation."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        builder.code(read_text(path, name))
        return builder.build()
