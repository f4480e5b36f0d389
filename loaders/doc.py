"""Word documents from before 2007."""

import re
import struct
from collections.abc import Iterable
from pathlib import Path

from kb_server.domain import Document
from kb_server.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.doc_binary import Encrypted, NotWord, Paragraph, stories, table_stream
from loaders.locked import Locked
from loaders.ole import damaged, streams

_FIELD = re.compile("\x13[^\x13\x14\x15]*(?:\x14([^\x13\x14\x15]*))?\x15")
_CELL_END = "\x07"


class DocLoader:
    """Reads headings, paragraphs and tables, then footnotes, comments, endnotes, text boxes and page headers.

    The file is read directly, without Word or LibreOffice; pictures and the numbers of lists are not.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        try:
            [word] = streams(path, name, "WordDocument")
            [table] = streams(path, name, table_stream(word))
            main, *others = stories(word, table)
        except Encrypted as error:
            raise Locked(name) from error
        except NotWord as error:
            raise LoadError(f"'{name}' is no Word document of 97 or later.", "Save it as .docx.") from error
        except (struct.error, IndexError) as error:
            raise damaged(name) from error
        _Walk(builder).run(main)
        builder.leave(0)
        seen = dict.fromkeys(_shown(paragraph.text) for story in others for paragraph in story)
        for text in seen:
            builder.lines(text)
        return builder.build()


class _Walk:
    """Gathers cells into rows and rows into tables."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._rows: list[list[str]] = []
        self._row: list[str] = []
        self._cell: list[str] = []

    def run(self, paragraphs: Iterable[Paragraph]) -> None:
        for paragraph in paragraphs:
            if paragraph.in_table:
                self._in_table(paragraph)
            else:
                self._flush_table()
                self._text(paragraph)
        self._flush_table()

    def _in_table(self, paragraph: Paragraph) -> None:
        if paragraph.ends_row:
            self._rows.append(self._row)
            self._row = []
            return
        self._cell.append(_shown(paragraph.text))
        if paragraph.text.endswith(_CELL_END):
            self._row.append(" ".join(filter(None, self._cell)))
            self._cell = []

    def _text(self, paragraph: Paragraph) -> None:
        text = _shown(paragraph.text)
        if paragraph.heading is None:
            self._builder.lines(text)
        else:
            self._builder.heading(paragraph.heading, text)

    def _flush_table(self) -> None:
        rows = [*self._rows, *([self._row] if self._row else [])]
        self._rows, self._row, self._cell = [], [], []
        if rows:
            self._builder.table(rows)


def _shown(text: str) -> str:
    """Return the words: of a field its result, without what stands for pictures, notes and optional hyphens."""
    shown = text
    while "\x13" in shown and (cut := _FIELD.sub(r"\1", shown)) != shown:
        shown = cut
    shown = shown.replace("\x0b", "\n").replace("\x1e", "-").replace("\x1f", "")
    return shown.replace("\x07", "").strip()
