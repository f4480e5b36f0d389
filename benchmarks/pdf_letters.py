"""How much of what one sees on the pages of a PDF file a loader's text holds.

What one sees is what pdfplumber reads within the pages' boxes, letters printed twice to look bold taken once, running
headers and footers apart: lines that recur (numbers aside) among the two at the top or bottom of a third of the pages.
"""

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pdfplumber

_EDGE = 2
_FEWEST_PAGES = 3
_SHARE = 0.3


def seen_words(path: Path) -> Counter[str]:
    """Return the words of the pages, as letters and digits alone; a word divided at a line's end is two."""
    with pdfplumber.open(path) as document:
        pages = [
            page.within_bbox(page.bbox, strict=False).dedupe_chars().extract_text().splitlines()
            for page in document.pages
        ]
    running = _running(pages)
    lines = (line for page in pages for line in page if _shape(line) not in running)
    return Counter(filter(None, (letters(word) for line in lines for word in line.split())))


def kept(text: str, seen: Counter[str]) -> int:
    """Return how many letters of the words seen are in a text, each word as often as it was seen at most."""
    stream = letters(text)
    return sum(len(word) * min(times, stream.count(word)) for word, times in seen.items())


def total(seen: Counter[str]) -> int:
    """Return how many letters there are to find."""
    return sum(len(word) * times for word, times in seen.items())


def letters(text: str) -> str:
    """Return the letters and digits alone, ligatures taken apart.

    Without "ffi" and "ffl": some papers give no text for these, and who reads them all the same must not lose by it.
    """
    return re.sub("ff[il]", "", "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text))))


def _running(pages: list[list[str]]) -> set[str]:
    written = [page for page in pages if page]
    times = Counter(shape for page in written for shape in {_shape(line) for line in [*page[:_EDGE], *page[-_EDGE:]]})
    return {shape for shape, count in times.items() if len(written) >= _FEWEST_PAGES and count > _SHARE * len(written)}


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line.casefold()).strip()
