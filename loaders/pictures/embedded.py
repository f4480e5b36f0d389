"""Pictures within other documents."""

import hashlib

from loaders.builder import DocumentBuilder

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
            self._builder.picture(_text(data), page)


def _text(data: bytes) -> str:
    try:
        import rapidocr  # noqa: F401

        from loaders.pictures.picture import picture_text
    except ModuleNotFoundError:  # the words around the pictures are worth having without them
        return ""
    text = picture_text(data)
    return text if sum(map(str.isalnum, text)) >= _FEWEST_CHARACTERS else ""
