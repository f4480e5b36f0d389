"""Pictures: the text they show."""

import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.pictures.ocr import OcrLine, check_installed, read_lines
from loaders.pictures.paragraphs import paragraphs
from loaders.source import read_bytes

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
