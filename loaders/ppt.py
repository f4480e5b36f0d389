"""PowerPoint presentations from before 2007."""

import struct
from pathlib import Path

from kb_server.domain import Document
from loaders.builder import DocumentBuilder
from loaders.locked import Locked
from loaders.ole import damaged, streams
from loaders.ppt_binary import Encrypted, NotPowerPoint, Text, slides

_PLACEHOLDERS = ("*",)  # what stands for the number of the slide, the date


class PptLoader:
    """Reads slides in order, a slide a page: title as heading, texts, then the notes.

    The file is read directly, without PowerPoint or LibreOffice; pictures and charts are not, and the cells of a table
    are texts.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        number = 0
        try:
            for number, slide in enumerate(
                slides(*streams(path, name, "Current User", "PowerPoint Document")), start=1
            ):
                builder.leave(1)
                for text in sorted(slide.texts, key=lambda each: not each.is_title):
                    _add(builder, text, number)
                for text in slide.notes:
                    _add(builder, Text(text.text, is_title=False), number)
        except Encrypted as error:
            raise Locked(name) from error
        except (NotPowerPoint, struct.error) as error:
            raise damaged(name) from error
        return builder.build(number)


def _add(builder: DocumentBuilder, text: Text, page: int) -> None:
    paragraphs = [part for line in text.text.split("\r") if (part := line.replace("\v", "\n").strip())]
    if text.is_title:
        builder.heading(1, " ".join(paragraphs), page)
    elif len(paragraphs) > 1:
        builder.items(paragraphs, page)
    elif paragraphs and paragraphs[0] not in _PLACEHOLDERS:
        builder.lines(paragraphs[0], page)
