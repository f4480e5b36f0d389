"""Opening PDF files, with a password where one is needed."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from kb_server.core.errors import LoadError
from loaders.source import unreadable

_PASSWORD_HINT = "Give the password in loading.passwords, or export it without one."  # noqa: S105 - a sentence

_REASONS = {
    pdfium.FPDF_ERR_PASSWORD: ("is protected by a password", _PASSWORD_HINT),
    pdfium.FPDF_ERR_SECURITY: ("is encrypted in a way that cannot be read", "Export it without encryption."),
}


def opened_pdf(path: Path, name: str, passwords: Sequence[str] = ()) -> pypdfium2.PdfDocument:
    """Open a file, with the first of the passwords that fits if it needs one; raises LoadError with the reason."""
    for password in (None, *passwords):
        try:
            return pypdfium2.PdfDocument(path, password=password)
        except pypdfium2.PdfiumError as error:
            failure = error
            if error.err_code != pdfium.FPDF_ERR_PASSWORD:
                break
        except OSError as error:
            raise unreadable(name, error) from error
    what, hint = _REASONS.get(failure.err_code, ("is a damaged PDF", "Export or download it again."))
    raise LoadError(f"'{name}' {what}.", hint) from failure


Matrix = tuple[float, float, float, float, float, float]

Box = tuple[float, float, float, float]  # left, bottom, right, top

# Where a point goes: by quarter turns clockwise, for the page's box, so that the turned page begins at 0, 0.
_TURNS: dict[int, Callable[[Box], Matrix]] = {
    90: lambda box: (0, -1, 1, 0, -box[1], box[2]),
    180: lambda box: (-1, 0, 0, -1, box[2], box[3]),
    270: lambda box: (0, 1, -1, 0, box[3], -box[0]),
}


def upright_page(document: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
    """Return a page whose rotation is part of its content; in memory alone. Raises PdfiumError where it is damaged.

    PDFium shows a page turned, but gives all places on it as if it were not.
    """
    page = document[index]
    turn = _TURNS.get(page.get_rotation())
    if turn is None:
        return page
    with closing(page):
        matrix = turn(page.get_bbox())
        width, height = page.get_size()
        if not pdfium.FPDFPage_TransFormWithClip(page, pdfium.FS_MATRIX(*matrix), None):
            return document[index]
        page.set_rotation(0)
        page.set_mediabox(0, 0, width, height)
        page.set_cropbox(0, 0, width, height)
    return document[index]
