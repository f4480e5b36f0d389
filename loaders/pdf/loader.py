"""PDF files: their text layer, and OCR where a page has none."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.util import find_spec
from os import cpu_count
from pathlib import Path
from threading import Semaphore
from typing import Self

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.isolate.progress import page_done
from loaders.pdf.layout import PdfLayout
from loaders.pdf.lines import Line, PageLines, page_lines
from loaders.pdf.opening import opened_pdf, upright_page
from loaders.pictures.ocr import OcrLine, check_installed, read_lines

_PIXELS_A_POINT = 2.0  # 144 dots an inch: the detector scales larger pictures down

_LONGEST_SIDE = 4000

_SMALLEST = (100.0, 30.0)  # points

_FEWEST_PIXELS = (150, 50)

_MOST_LINES = 2  # of text over a picture whose own words have a text layer already

_LARGE = 1.6  # times the usual height of the page's lines: set as a heading

_LETTER_HEIGHT = 0.75  # of the box that the detector draws around a line

Box = tuple[float, float, float, float]


def is_installed() -> bool:
    """Tell whether pictures can be read; without it those on pages with text are passed over, as they always were."""
    return find_spec("rapidocr") is not None


def render(page: pypdfium2.PdfPage) -> Image.Image:
    """Return the page as a picture, as large as letters need to be told apart."""
    bitmap = page.render(scale=scale_of(page), rev_byteorder=True)
    with closing(bitmap):
        picture: Image.Image = bitmap.to_pil().convert("RGB")
    return picture


def scale_of(page: pypdfium2.PdfPage) -> float:
    """Return how many pixels `render` makes of a point."""
    width, height = page.get_size()
    return min(_PIXELS_A_POINT, _LONGEST_SIDE / max(float(width), float(height), 1.0))


def has_content(page: pypdfium2.PdfPage) -> bool:
    """Tell a page on which something is drawn from an empty one."""
    return bool(pdfium.FPDFPage_CountObjects(page.raw) > 0)


def pictures(page: pypdfium2.PdfPage, lines: PageLines, seen: set[bytes]) -> Iterator[Image.Image]:
    """Yield pictures that may carry words: on the page, not tiny, not under text, not `seen` before in the file."""
    wanted: list[Box] = []
    for item in page.get_objects([pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        box = _within(item.get_bounds(), page.get_bbox())
        if not _is_worth_reading(box, item.get_px_size(), lines):
            continue
        digest = hashlib.blake2b(item.get_data(decode_simple=False), digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            wanted.append(box)
    if wanted:
        whole = render(page)
        for box in wanted:
            yield whole.crop(_in_pixels(box, page.get_bbox(), whole))


def _in_pixels(box: Box, page: Box, whole: Image.Image) -> tuple[int, int, int, int]:
    """Return where `box`, in points from below, lies on the rendered page, in pixels from above."""
    left, bottom, right, top = page
    across, down = whole.width / (right - left), whole.height / (top - bottom)
    x0, y0, x1, y1 = box
    return round((x0 - left) * across), round((top - y1) * down), round((x1 - left) * across), round((top - y0) * down)


def _within(box: Box, page: Box) -> Box:
    """Return the part of `box` that lies on the page; its width or height is not positive when none does."""
    return max(box[0], page[0]), max(box[1], page[1]), min(box[2], page[2]), min(box[3], page[3])


def _is_worth_reading(box: Box, pixels: tuple[int, int], page: PageLines) -> bool:
    left, bottom, right, top = box
    if right - left < _SMALLEST[0] or top - bottom < _SMALLEST[1]:
        return False
    if pixels[0] < _FEWEST_PIXELS[0] or pixels[1] < _FEWEST_PIXELS[1]:
        return False
    over = sum(left < (x.left + x.right) / 2 < right and bottom < (x.top + x.bottom) / 2 < top for x in page.lines)
    return over <= _MOST_LINES


def as_lines(read: list[OcrLine], height: float, scale: float) -> list[Line]:
    """Turn what was read on a rendered page into lines in points; sizes are evened out, for boxes vary with letters."""
    if not read:
        return []
    heights = sorted(line.box.height for line in read)
    usual = heights[len(heights) // 2]
    return [_line(line, usual, height, scale) for line in read]


def _line(line: OcrLine, usual: float, height: float, scale: float) -> Line:
    box = line.box
    size = _LETTER_HEIGHT * (box.height if box.height > _LARGE * usual else usual) / scale
    middle = height - (box.top + box.bottom) / 2 / scale
    top, bottom = middle + size / 2, middle - size / 2
    return Line(line.text, box.left / scale, box.right / scale, top, bottom, size, bold=False)


_AT_ONCE = min(4, cpu_count() or 1)  # pictures under OCR; twice as many wait, each some 10 MB

_SUREST = 0.6  # score from which a line read in a picture counts

_FEWEST_LETTERS = 4  # that a picture must hold to be said to carry words


class PdfLoader:
    """Reads pages in reading order, with tables; what has no text layer by OCR, `pictures` on pages of text too.

    `passwords` are tried on files that need one.
    """

    def __init__(self, *, pictures: bool = True, passwords: Sequence[str] = ()) -> None:
        self._pictures = pictures and is_installed()
        self._passwords = passwords

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        with closing(opened_pdf(path, name, self._passwords)) as document, _Ocr() as ocr:
            begun = list(_begin(document, ocr, with_pictures=self._pictures))
            pages = [page.finish() for page in begun]
        if not any(page.lines or page.pictures for page in pages):
            what = "its page is a picture" if len(pages) == 1 else f"its {len(pages)} pages are pictures or empty"
            raise LoadError(f"'{name}' has no text: {what} in which no words could be read.")
        return PdfLayout(pages).document(name)


class _Ocr:
    """Reads pictures on a few threads. `submit` waits when many are in hand, so that memory stays bounded."""

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._room = Semaphore(3 * _AT_ONCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, picture: Image.Image) -> Future[list[OcrLine]]:
        self._room.acquire()
        reading = self._pool.submit(read_lines, picture)
        reading.add_done_callback(lambda _: self._room.release())
        return reading


@dataclass(frozen=True, slots=True)
class _BegunPage:
    """A page whose text layer is read, and what OCR is at work on: the whole page, or its pictures."""

    page: PageLines
    total: int
    scale: float = 1.0
    whole: Future[list[OcrLine]] | None = None
    parts: tuple[Future[list[OcrLine]], ...] = ()

    def finish(self) -> PageLines:
        page = self.page
        if self.whole is not None:
            page = replace(page, lines=as_lines(_sure(self.whole.result()), page.height, self.scale))
        texts = ["\n".join(line.text for line in _sure(part.result())) for part in self.parts]
        page_done(page.number, self.total)
        return replace(page, pictures=[text for text in texts if len(text) >= _FEWEST_LETTERS])


def _begin(document: pypdfium2.PdfDocument, ocr: _Ocr, *, with_pictures: bool) -> Iterator[_BegunPage]:
    total = len(document)
    seen: set[bytes] | None = set() if with_pictures else None
    for index in range(total):
        try:
            with closing(upright_page(document, index)) as page:
                yield _begin_page(page, index + 1, total, ocr, seen)
        except pypdfium2.PdfiumError:  # one damaged page; the others may be whole
            yield _BegunPage(PageLines(index + 1, 0.0, []), total)
        page_done(index + 1, total)


def _begin_page(page: pypdfium2.PdfPage, number: int, total: int, ocr: _Ocr, seen: set[bytes] | None) -> _BegunPage:
    text = page_lines(page, number)
    if text.lines:
        found = () if seen is None else pictures(page, text, seen)
        return _BegunPage(text, total, parts=tuple(ocr.submit(picture) for picture in found))
    if not has_content(page):
        return _BegunPage(text, total)
    check_installed()
    return _BegunPage(text, total, scale_of(page), ocr.submit(render(page)))


def _sure(lines: list[OcrLine]) -> list[OcrLine]:
    return [line for line in lines if line.score >= _SUREST]
