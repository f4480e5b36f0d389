"""A page of a PDF as a picture, with a quote marked where it stands.

Drawing parses a file that anybody may have made, so it is done where files are read: in a process of its own with
limits. What goes there and comes back is text, hence the JSON and the base64.
"""

import base64
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
from PIL import Image, ImageChops, ImageDraw

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.isolate.loader import IsolatedLoader, ReadLimits
from loaders.pdf.opening import opened_pdf, upright_page

_LONGEST_SIDE = 4000
_MARK = (255, 236, 130)
_FEWEST = 4  # letters of a part of a quote that are worth marking alone
_PARTS = re.compile(r"[\n|\t]+")  # of a quote from a table: its cells stand apart on the page

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as PNG; `marks` says on how many lines the quote was found there, 0 if it was not."""

    png: bytes
    marks: int


class PagePictures:
    """Draws pages of PDF files."""

    def __init__(self, limits: ReadLimits, passwords: Sequence[str] = ()) -> None:
        self._drawer = IsolatedLoader(limits, "loaders.pdf.page_picture:draw", {"passwords": passwords})

    def picture(self, path: Path, page: int, quote: str, width: int) -> PagePicture:
        """Return page `page` (from 1), `width` pixels wide; raises LoadError if the file has no such page."""
        drawn = self._drawer.load(path, json.dumps([page, quote, width]))
        return PagePicture(base64.b64decode(drawn.text), drawn.pages or 0)

    def close(self) -> None:
        """End the processes."""
        self._drawer.close()


def draw(path: Path, name: str, passwords: Sequence[str] = ()) -> Document:
    """Draw what `name` asks for, a JSON list of page, quote and width; the document's text is the picture."""
    number, quote, width = json.loads(name)
    try:
        with closing(opened_pdf(path, "The file", passwords)) as document:
            if number > len(document):
                raise LoadError(f"There is no page {number}; the last is {len(document)}.")
            with closing(upright_page(document, number - 1)) as page:
                picture, marks = _drawn(page, quote, width)
    except pypdfium2.PdfiumError as error:
        raise LoadError("The page cannot be drawn: it is damaged.") from error
    png = io.BytesIO()
    picture.save(png, "PNG")
    return Document(name="page", text=base64.b64encode(png.getvalue()).decode(), blocks=(), pages=marks)


def _drawn(page: pypdfium2.PdfPage, quote: str, width: int) -> tuple[Image.Image, int]:
    across, down = page.get_size()
    scale = min(width / across, _LONGEST_SIDE / down)
    bitmap = page.render(scale=scale)
    picture = bitmap.to_pil().convert("RGB")
    convert = bitmap.get_posconv(page).to_bitmap
    boxes = quote_boxes(page, quote)
    overlay = Image.new("RGB", picture.size, "white")
    for left, bottom, right, top in boxes:
        corners = [convert(left, bottom), convert(right, top)]
        columns, rows = sorted(x for x, _ in corners), sorted(y for _, y in corners)
        ImageDraw.Draw(overlay).rectangle((columns[0] - 1, rows[0] - 1, columns[1] + 1, rows[1] + 1), fill=_MARK)
    return ImageChops.multiply(picture, overlay), len(boxes)


def quote_boxes(page: pypdfium2.PdfPage, quote: str) -> list[Box]:
    """Return a box (left, bottom, right, top in PDF points) for each line of a quote; none if it is not on the page.

    Spaces, hyphens, width and case do not count: a line break changes them. A quote that does not stand there as a
    whole is looked for cell by cell.
    """
    with closing(page.get_textpage()) as text:
        letters = list(_letters(text.get_text_range()))
        flat = "".join(letter for letter, _ in letters)
        for parts in ([quote], _PARTS.split(quote)):
            spans = _spans(flat, [_flat(part) for part in parts])
            if spans:
                return _lines(text, [letters[i][1] for span in spans for i in range(*span)])
    return []


def _spans(flat: str, parts: Iterable[str]) -> list[tuple[int, int]]:
    """Return where each part stands first; those that are short or nowhere are left out."""
    wanted = [part for part in parts if len(part) >= _FEWEST]
    return [(start, start + len(part)) for part in wanted if (start := flat.find(part)) >= 0]


def _letters(text: str) -> Iterator[tuple[str, int]]:
    """Yield what is left of each character with its place."""
    for place, character in enumerate(text):
        for letter in _flat(character):
            yield letter, place


def _flat(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) not in ("Pd", "Cc", "Cf", "Cn"))


def _lines(text: pypdfium2.PdfTextPage, places: Sequence[int]) -> list[Box]:
    """Join the boxes of characters that stand on one line."""
    lines: list[Box] = []
    for place in dict.fromkeys(places):
        left, bottom, right, top = text.get_charbox(place)
        if lines and _beside(lines[-1], (left, bottom, right, top)):
            last = lines[-1]
            lines[-1] = (min(last[0], left), min(last[1], bottom), max(last[2], right), max(last[3], top))
        else:
            lines.append((left, bottom, right, top))
    return lines


def _beside(line: Box, box: Box) -> bool:
    """Tell whether a character follows on the same line: at the same height, not far to the left or the right."""
    height = max(line[3] - line[1], box[3] - box[1])
    middle = (box[1] + box[3]) / 2
    return line[1] - height / 2 <= middle <= line[3] + height / 2 and -height < box[0] - line[2] < 4 * height
