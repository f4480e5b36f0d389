"""Lines of a picture become paragraphs and rows."""

from loaders.pictures.ocr import OcrLine
from loaders.pictures.picture import paragraphs
from loaders.pictures.reading_order import Box


def _line(text: str, left: float, top: float, right: float, height: float = 10) -> OcrLine:
    return OcrLine(text, Box(left, top, right, top + height), 1.0)


def test_wrapped_lines_are_joined_and_divided_words_too() -> None:
    lines = [
        _line("The Heading", 0, 0, 150, 18),
        _line("The rules shall apply to all posi-", 10, 30, 200),
        _line("tions in the service and", 0, 42, 196),
        _line("others.", 0, 54, 50),
        _line("A new paragraph begins here, and", 10, 66, 200),
        _line("it ends.", 0, 78, 60),
    ]
    assert paragraphs(lines) == [
        "The Heading",
        "The rules shall apply to all positions in the service and others.",
        "A new paragraph begins here, and it ends.",
    ]


def test_chinese_lines_are_joined_without_a_space() -> None:
    assert paragraphs([_line("新鲜甘草黄酮", 0, 0, 100), _line("养分。", 0, 13, 40)]) == ["新鲜甘草黄酮养分。"]


def test_what_stands_in_a_row_is_one_line() -> None:
    lines = [_line("Blind", 0, 0, 40), _line("5", 80, 1, 90), _line("34.5%", 120, 0, 160), _line("Low", 0, 30, 40)]
    assert paragraphs(lines) == ["Blind | 5 | 34.5%", "Low"]


def test_no_lines() -> None:
    assert paragraphs([]) == []
