"""The words of a PDF page with their places, for pages where places say more than the order of the file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

_WIDTH = (0.75, 1.0)  # of the font's size: three letters as one, and no single letter between two others

_NO_TEXT = frozenset(range(0x20)) - {2, 9, 10, 13}  # 2 is what PDFium makes of a hyphen at a line's end

_AFTER_FFL = frozenset("eiuy")  # baffle, shuffling, affluent; else ffi: office, difficult, affirm


def ligature(text_page: pypdfium2.PdfTextPage, index: int, size: float) -> str:
    """Return what a glyph without text stands for, by its width and neighbours; "" where that is not plain.

    Papers have such: without it, neither their "difficult" nor their "efficient" is found.
    """
    if pdfium.FPDFText_GetUnicode(text_page, index) not in _NO_TEXT or not 0 < index < text_page.count_chars() - 1:
        return ""
    before, after = (chr(pdfium.FPDFText_GetUnicode(text_page, index + step)) for step in (-1, 1))
    left, _, right, _ = text_page.get_charbox(index, loose=True)
    if not _is_within_word(before, after) or not _WIDTH[0] < (right - left) / max(size, 1.0) < _WIDTH[1]:
        return ""
    return "ffl" if after in _AFTER_FFL else "ffi"


def _is_within_word(before: str, after: str) -> bool:
    return (before + after).isascii() and before.isalpha() and after.islower()


_WORD_GAP = 0.22  # of the letters' height: what parts two words that no blank parts

_SIZE = 0.85  # of the letters' height: the font's size

_HYPHEN = 2  # what PDFium makes of one that divides a word at the end of a line


@dataclass(frozen=True, slots=True)
class Word:
    """Letters without a blank between them; coordinates are points, y grows upwards; `index` is PDFium's."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    index: int

    @property
    def middle(self) -> float:
        """Height of the line it stands on, near enough."""
        return (self.top + self.bottom) / 2


def words_of(text_page: pypdfium2.PdfTextPage) -> list[Word]:
    """Return the page's words in the order of the file; some milliseconds a page, for every letter is asked for."""
    words: list[Word] = []
    letters: list[Word] = []
    for letter in _letters(text_page):
        if letters and (not letter.text.strip() or not _continues(letters[-1], letter)):
            words.append(_joined(letters))
            letters = []
        if letter.text.strip():
            letters.append(letter)
    return [*words, _joined(letters)] if letters else words


def _letters(text_page: pypdfium2.PdfTextPage) -> Iterator[Word]:
    for index in range(text_page.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        left, bottom, right, top = text_page.get_charbox(index, loose=True)
        text = "-" if code == _HYPHEN else chr(code) if 0 < code < 0x110000 else " "
        if code < 0x20:
            text = ligature(text_page, index, _SIZE * (top - bottom)) or text
        yield Word(text, left, right, top, bottom, index)


def _continues(before: Word, letter: Word) -> bool:
    height = before.top - before.bottom
    same_line = abs(before.middle - letter.middle) < 0.6 * max(height, letter.top - letter.bottom)
    return same_line and -height < letter.left - before.right < _WORD_GAP * height


def _joined(letters: list[Word]) -> Word:
    return Word(
        "".join(letter.text for letter in letters),
        min(letter.left for letter in letters),
        max(letter.right for letter in letters),
        max(letter.top for letter in letters),
        min(letter.bottom for letter in letters),
        letters[0].index,
    )


def lines_of(words: Iterable[Word]) -> list[list[Word]]:
    """Return the words of each line, left to right, the topmost line first."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: -word.middle):
        if lines and lines[-1][0].middle - word.middle < 0.5 * (word.top - word.bottom):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.left) for line in lines]


def text_of(words: Iterable[Word]) -> str:
    """Return the words as text, a line a line."""
    return "\n".join(" ".join(word.text for word in line) for line in lines_of(words))
