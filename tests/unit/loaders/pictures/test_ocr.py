"""Text of pictures."""

import socket
import sys

import pytest
from PIL import Image, ImageDraw, ImageFont

from kb_server.core.errors import MissingExtra
from loaders.pictures import ocr


def _picture(*lines: str) -> Image.Image:
    image = Image.new("RGB", (420, 60 * len(lines)), "white")
    draw = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        draw.text((20, 15 + 60 * index), line, fill="black", font=ImageFont.load_default(28))
    return image


def test_lines_come_in_order_with_their_place(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a model must not be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    first, second = ocr.read_lines(_picture("Invoice 4711", "Total 12.50"))
    assert (first.text, second.text) == ("Invoice 4711", "Total 12.50")
    assert first.box.bottom < second.box.top
    assert first.score > 0.8
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["RGB", "1", "P", "LA", "CMYK"])
def test_an_empty_picture_has_no_lines(mode: str) -> None:
    assert ocr.read_lines(Image.new(mode, (300, 200))) == []


def test_a_missing_extra_names_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(MissingExtra) as caught:
        ocr.check_installed()
    assert caught.value.hint == "pip install 'kb-server[ocr]'"
