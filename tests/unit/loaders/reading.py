"""Reading what a test writes: the file is made, one loader reads it, and its blocks are shown."""

from pathlib import Path

from kb_server.core.domain import Document
from kb_server.core.ports import Loader


def read(loader: Loader, folder: Path, name: str, content: str | bytes) -> Document:
    """Write a file and read it with this loader, whatever its name says."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return loader.load(path, name)


def blocks(document: Document) -> list[tuple[str, str]]:
    """Return kind and text of each block."""
    return [(block.kind.value, document.text[block.start : block.end]) for block in document.blocks]
