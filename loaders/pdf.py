"""PDF files with a text layer."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from kb_server.domain import Document
from kb_server.errors import LoadError
from loaders.pdf_layout import PdfLayout
from loaders.pdf_lines import PageLines, page_lines

_PASSWORD_HINT = "Give the password or export it without one."  # noqa: S105  (a sentence, no password)
_REASONS = {
    pdfium.FPDF_ERR_PASSWORD: ("is protected by a password", _PASSWORD_HINT),
    pdfium.FPDF_ERR_SECURITY: ("is encrypted in a way that cannot be read", "Export it without encryption."),
}


class PdfLoader:
    """Reads the text layer page by page, in the order in which the pages were written."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        try:
            with closing(pypdfium2.PdfDocument(path)) as document:
                pages = list(_pages(document))
        except pypdfium2.PdfiumError as error:
            raise _refusal(name, error) from error
        if not any(page.lines for page in pages):
            hint = "Reading text from pictures (OCR) is not there yet; run it through an OCR program first."
            what = "its page is a picture" if len(pages) == 1 else f"its {len(pages)} pages are pictures"
            raise LoadError(f"'{name}' has no text: {what}.", hint)
        return PdfLayout(pages).document(name)


def _pages(document: pypdfium2.PdfDocument) -> Iterator[PageLines]:
    for index in range(len(document)):
        try:
            with closing(document[index]) as page:
                yield page_lines(page, index + 1)
        except pypdfium2.PdfiumError:  # one damaged page; the others may be whole
            yield PageLines(index + 1, 0.0, [])


def _refusal(name: str, error: pypdfium2.PdfiumError) -> LoadError:
    what, hint = _REASONS.get(error.err_code, ("is a damaged PDF", "Export or download it again."))
    return LoadError(f"'{name}' {what}.", hint)
