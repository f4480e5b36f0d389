"""PDF files: their text layer, and OCR where a page has none."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from os import cpu_count
from pathlib import Path
from threading import Semaphore
from typing import Self

import pypdfium2
from PIL import Image

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.isolate.progress import page_done
from loaders.pdf.layout import PdfLayout
from loaders.pdf.lines import PageLines, page_lines
from loaders.pdf.opening import opened_pdf, upright_page
from loaders.pdf.pictures import as_lines, has_content, is_installed, pictures, render, scale_of
from loaders.pictures.ocr import OcrLine, check_installed, read_lines

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
