"""PowerPoint presentations from before 2007."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.legacy_office.ole import damaged, streams
from loaders.office.locked import Locked

_ENCRYPTED = 0xF3D1C4DF

_USER_EDIT, _PERSIST = 0x0FF5, 0x1772

_SLIDE_LIST, _SLIDE_PERSIST, _SLIDE_ATOM = 0x0FF0, 0x03F3, 0x03EF

_HEADER, _CHARS, _BYTES, _OUTLINE_REF = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E

_TEXT_BOX = 0xF00D

_SLIDES, _NOTES = 0, 2

_TITLES = (0, 6)

_DEEPEST = 60


class NotPowerPoint(ValueError):
    """The streams are of another version, or damaged."""


class Encrypted(ValueError):
    """The text is enciphered."""


class Text(NamedTuple):
    """What a text box holds, its paragraphs divided by carriage returns."""

    text: str
    is_title: bool


class Slide(NamedTuple):
    """Text boxes in the order of the file."""

    texts: list[Text]
    notes: list[Text]


class _Record(NamedTuple):
    kind: int
    instance: int
    start: int
    end: int
    is_container: bool


def slides(current_user: bytes, stream: bytes) -> Iterator[Slide]:
    """Yield the slides of the last saved version; raises NotPowerPoint, Encrypted, or struct.error if damaged."""
    if len(current_user) < 20:
        raise NotPowerPoint
    if _u32(current_user, 12) == _ENCRYPTED:
        raise Encrypted
    places, document = _places(stream, _u32(current_user, 16))
    root = _record(stream, _place(places, document))
    lists = [record for record in _children(stream, root) if record.kind == _SLIDE_LIST]
    notes = {number: reference for reference, number, _ in _listed(stream, lists, _NOTES)}
    for reference, _, outline in _listed(stream, lists, _SLIDES):
        yield _slide(stream, places, reference, outline, notes)


def _places(stream: bytes, edit: int) -> tuple[dict[int, int], int]:
    """Return where each object lies, as the newest of the file's edits says, and which object is the document."""
    places: dict[int, int] = {}
    document = None
    visited: set[int] = set()
    while edit and edit not in visited:
        visited.add(edit)
        record = _record(stream, edit)
        if record.kind != _USER_EDIT:
            raise NotPowerPoint
        document = _u32(stream, record.start + 16) if document is None else document
        for number, place in _directory(stream, _record(stream, _u32(stream, record.start + 12))):
            places.setdefault(number, place)
        edit = _u32(stream, record.start + 8)
    if document is None:
        raise NotPowerPoint
    return places, document


def _directory(stream: bytes, record: _Record) -> Iterator[tuple[int, int]]:
    if record.kind != _PERSIST:
        raise NotPowerPoint
    at = record.start
    while at < record.end:
        first, count = _u32(stream, at) & 0xFFFFF, _u32(stream, at) >> 20
        for index in range(count):
            yield first + index, _u32(stream, at + 4 + 4 * index)
        at += 4 + 4 * count


def _listed(stream: bytes, lists: list[_Record], instance: int) -> Iterator[tuple[int, int, list[Text]]]:
    """Yield the entries of those lists that hold slides, or notes."""
    for each in lists:
        if each.instance == instance:
            yield from _entries(stream, each)


def _entries(stream: bytes, record: _Record) -> Iterator[tuple[int, int, list[Text]]]:
    """Yield (reference, number, texts of the outline) of each slide in a list."""
    entry: tuple[int, int, list[Text]] | None = None
    for child in _children(stream, record):
        if child.kind == _SLIDE_PERSIST:
            if entry is not None:
                yield entry
            entry = (_u32(stream, child.start), _u32(stream, child.start + 12), [])
        elif entry is not None:
            _collect(stream, child, entry[2])
    if entry is not None:
        yield entry


def _slide(stream: bytes, places: dict[int, int], reference: int, outline: list[Text], notes: dict[int, int]) -> Slide:
    record = _record(stream, _place(places, reference))
    atom = next((child for child in _children(stream, record) if child.kind == _SLIDE_ATOM), None)
    noted = notes.get(_u32(stream, atom.start + 16)) if atom is not None else None
    remarks = list(_boxes(stream, _record(stream, _place(places, noted)), [], 0)) if noted is not None else []
    return Slide(list(_boxes(stream, record, outline, 0)), remarks)


def _boxes(stream: bytes, record: _Record, outline: list[Text], depth: int) -> Iterator[Text]:
    for child in _children(stream, record) if depth < _DEEPEST else ():
        if child.kind == _TEXT_BOX:
            yield from _box(stream, child, outline)
        elif child.is_container:
            yield from _boxes(stream, child, outline, depth + 1)


def _box(stream: bytes, record: _Record, outline: list[Text]) -> list[Text]:
    """Return a box's own text, or the one of the outline that it refers to."""
    found: list[Text] = []
    for child in _children(stream, record):
        if child.kind == _OUTLINE_REF:
            found += outline[_u32(stream, child.start) : _u32(stream, child.start) + 1]
        else:
            _collect(stream, child, found)
    return found


def _collect(stream: bytes, record: _Record, texts: list[Text]) -> None:
    """Take a header, which begins a text, or the characters that belong to the last header."""
    raw = stream[record.start : record.end]
    if record.kind == _HEADER:
        texts.append(Text("", _u32(stream, record.start) in _TITLES))
    elif record.kind in (_CHARS, _BYTES):
        text = raw.decode("utf-16-le", "replace") if record.kind == _CHARS else raw.decode("latin-1")
        before = texts.pop() if texts else Text("", is_title=False)
        texts.append(Text(before.text + text, before.is_title))


def _children(stream: bytes, record: _Record) -> Iterator[_Record]:
    at = record.start
    while at + 8 <= record.end:
        child = _record(stream, at)
        yield child
        at = child.end


def _record(stream: bytes, at: int) -> _Record:
    version, kind, size = struct.unpack_from("<HHI", stream, at)
    if at + 8 + size > len(stream):
        raise NotPowerPoint
    return _Record(kind, version >> 4, at + 8, at + 8 + size, version & 0xF == 0xF)


def _place(places: dict[int, int], number: int) -> int:
    if number not in places:
        raise NotPowerPoint
    return places[number]


def _u32(data: bytes, at: int) -> int:
    found: int = struct.unpack_from("<I", data, at)[0]
    return found


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
