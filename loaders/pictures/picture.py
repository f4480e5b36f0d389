"""Pictures: the text they show."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from kb_server.text.characters import unwrap
from loaders.builder import DocumentBuilder
from loaders.pictures.ocr import OcrLine, check_installed, read_lines
from loaders.pictures.reading_order import Box
from loaders.source import read_bytes

_NEAR = 0.9  # space between lines of a paragraph, in heights of a line

_SAME_HEIGHT = 0.35

_SAME_EDGE = 1.5  # how far left edges of a paragraph may differ, in heights of a line

_ROOM = 0.12  # how much of the widest line may stay free at the end of one that was wrapped

_SAME_ROW = 0.5

_CELL_GAP = " | "


def paragraphs(lines: Sequence[OcrLine]) -> list[str]:
    """Join lines, given in reading order, where one was wrapped into the next; parts of a row become one line.

    A line was wrapped if the next stands right below, in letters of the same size, and it had no room for more. A word
    divided at the end of a line is joined.
    """
    groups: list[list[OcrLine]] = []
    for line in lines:
        if groups and _continues(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return _rows([(_joined([line.text for line in group]), group[0].box, len(group)) for group in groups])


def _continues(group: Sequence[OcrLine], line: OcrLine) -> bool:
    before = group[-1].box
    height = min(before.height, line.box.height)
    gap = line.box.top - before.bottom
    right = max(*(each.box.right for each in group), line.box.right)
    left = min(*(each.box.left for each in group), line.box.left)
    return (
        -_SAME_ROW * height < gap < _NEAR * height
        and abs(before.height - line.box.height) < _SAME_HEIGHT * height
        and abs(before.left - line.box.left) < _SAME_EDGE * height
        and right - before.right < _ROOM * (right - left)
    )


def _joined(texts: Sequence[str]) -> str:
    joined = texts[0]
    for text in texts[1:]:
        divided = joined[-1:] == "-" and joined[-2:-1].isalpha() and text[:1].islower()
        joined = joined[:-1] + text if divided else f"{joined}\n{text}"
    return unwrap(joined)


def _rows(found: Sequence[tuple[str, Box, int]]) -> list[str]:
    """Put single lines that stand beside each other into one, as the cells of a row."""
    rows: list[str] = []
    last: Box | None = None
    for text, box, count in found:
        if last is not None and count == 1 and _beside(last, box):
            rows[-1] += _CELL_GAP + text
        else:
            rows.append(text)
        last = box if count == 1 else None
    return rows


def _beside(first: Box, second: Box) -> bool:
    shared = min(first.bottom, second.bottom) - max(first.top, second.top)
    return shared > _SAME_ROW * min(first.height, second.height) and second.left > first.right


_MOST_PIXELS = 100_000_000

_LEAST_WIDTH, _LEAST_HEIGHT = 60, 16  # what is smaller is an icon or a line

_UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)

_SURE = 0.6


class PictureLoader:
    """Reads the text of a picture; a page of a TIFF file is a page."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        check_installed()
        builder = DocumentBuilder(name)
        pages = 0
        try:
            for pages, frame in enumerate(_frames(read_bytes(path, name), name), start=1):
                builder.picture(_text(read_lines(frame)), pages)
        except _UNREADABLE as error:
            raise LoadError(f"'{name}' is a damaged picture.", "Save or download it again.") from error
        document = builder.build(pages)
        if not document.text:
            raise LoadError(f"'{name}' is a picture in which no text was found.")
        return document


def picture_text(data: bytes) -> str:
    """Return the text of a picture that a document shows; empty for icons, and for what is no picture.

    A drawing in vectors or a damaged logo is no reason to refuse the document around it.
    """
    try:
        return "\n".join(_text(read_lines(frame)) for frame in _frames(data, "") if _is_large_enough(frame))
    except (*_UNREADABLE, LoadError):
        return ""


def _frames(data: bytes, name: str) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken tags and of sizes, which are looked at here
        with Image.open(BytesIO(data)) as image:
            if image.width * image.height > _MOST_PIXELS:
                pixels = f"{image.width} x {image.height}"
                raise LoadError(f"'{name}' is a picture of {pixels} pixels, which is too large.", "Make it smaller.")
            for frame in ImageSequence.Iterator(image):
                yield ImageOps.exif_transpose(frame)


def _is_large_enough(image: Image.Image) -> bool:
    return image.width >= _LEAST_WIDTH and image.height >= _LEAST_HEIGHT


def _text(lines: list[OcrLine]) -> str:
    return "\n".join(paragraphs([line for line in lines if line.score >= _SURE]))


_FEWEST_CHARACTERS = 4  # fewer are a logo's, or a pattern taken for letters


class EmbeddedPictures:
    """Adds the text of a document's pictures: each picture once, and none where OCR is not installed."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._seen: set[bytes] = set()

    def add(self, data: bytes, page: int | None = None) -> None:
        """Add a picture's text, if it has any; the logo of every page counts once."""
        digest = hashlib.sha256(data).digest()
        if digest not in self._seen:
            self._seen.add(digest)
            self._builder.picture(_text_of(data), page)


def _text_of(data: bytes) -> str:
    try:
        import rapidocr  # noqa: F401

    except ModuleNotFoundError:  # the words around the pictures are worth having without them
        return ""
    text = picture_text(data)
    return text if sum(map(str.isalnum, text)) >= _FEWEST_CHARACTERS else ""
