"""Documents made of paragraphs, and what is left of one."""

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder


def document(*paragraphs: str) -> Document:
    builder = DocumentBuilder("a.txt")
    for paragraph in paragraphs:
        builder.lines(paragraph)
    return builder.build()


def left(found: Document) -> list[str]:
    return [found.text[block.start : block.end] for block in found.blocks]
