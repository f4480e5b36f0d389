"""Opening PDF files, with a password where one is needed."""

from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from kb_server.errors import LoadError

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
    what, hint = _REASONS.get(failure.err_code, ("is a damaged PDF", "Export or download it again."))
    raise LoadError(f"'{name}' {what}.", hint) from failure
