"""Pictures within documents: read once each, and none where OCR is not installed."""

import sys
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFont

from loaders.builder import DocumentBuilder
from loaders.pictures.picture import EmbeddedPictures


def _picture(text: str, size: tuple[int, int] = (420, 60)) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 15), text, fill="black", font=ImageFont.load_default(28))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _read(*pictures: bytes) -> list[tuple[str, int | None]]:
    builder = DocumentBuilder("a")
    embedded = EmbeddedPictures(builder)
    for page, data in enumerate(pictures, start=1):
        embedded.add(data, page)
    document = builder.build()
    return [(document.text[block.start : block.end], block.page) for block in document.blocks]


def test_a_logo_on_every_page_counts_once() -> None:
    pytest.importorskip("rapidocr", reason="OCR is an extra")
    logo = _picture("Invoice 4711")
    assert _read(logo, logo, logo) == [("Invoice 4711", 1)]


@pytest.mark.parametrize("data", [b"", b"no picture", _picture("Invoice", (50, 15))])
def test_what_has_no_words_is_passed_over(data: bytes) -> None:
    """Damaged data, a drawing in vectors, an icon."""
    assert _read(data) == []


def test_without_the_extra_there_are_no_pictures_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    assert _read(_picture("Invoice 4711")) == []
