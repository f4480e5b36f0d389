"""Letters that a PDF file draws as one and gives no text for."""

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
    is_within = before.isascii() and before.isalpha() and after.isascii() and after.islower()
    if not is_within or not _WIDTH[0] < (right - left) / max(size, 1.0) < _WIDTH[1]:
        return ""
    return "ffl" if after in _AFTER_FFL else "ffi"
