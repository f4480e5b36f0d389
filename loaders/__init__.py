"""File -> Document (blocks with page and heading path), and Document -> slices."""

from pathlib import Path

from kb_server.domain import Document
from kb_server.errors import LoadError, MissingExtra
from kb_server.ports import Loader
from loaders.kind import SUFFIXES, Kind, detect
from loaders.source import check_readable

__all__ = ["SUFFIXES", "load"]


def load(path: Path, name: str, *, pictures: bool = True) -> Document:
    """Read a file of any supported kind; raises LoadError, or MissingExtra where a package is not installed.

    `name` becomes the document's name; its suffix counts, for the file itself may be stored under another name.
    `pictures` says whether pictures between text are read by OCR, which takes a second or more for each.
    """
    check_readable(path, name)
    document = _loader(detect(path, name), pictures=pictures).load(path, name)
    if not document.text:
        raise LoadError(f"'{name}' holds no text.")
    return document


def _loader(kind: Kind, *, pictures: bool) -> Loader:
    """Make the loader; the parsers are heavy, and some are extras, so each is imported when it is needed."""
    match kind:
        case Kind.TEXT:
            from loaders.text import TextLoader

            return TextLoader()
        case Kind.CSV:
            from loaders.csv import CsvLoader

            return CsvLoader()
        case Kind.MARKDOWN:
            from loaders.markdown import MarkdownLoader

            return MarkdownLoader()
        case Kind.HTML:
            from loaders.html import HtmlLoader

            return HtmlLoader()
        case Kind.DOCX:
            return _docx_loader()
        case Kind.PDF:
            return _pdf_loader(pictures=pictures)


def _docx_loader() -> Loader:
    try:
        from loaders.docx import DocxLoader
    except ModuleNotFoundError as error:
        message = "Reading Word documents needs the package python-docx."
        raise MissingExtra(message, "pip install 'kb-server[docx]'") from error
    return DocxLoader()


def _pdf_loader(*, pictures: bool) -> Loader:
    try:
        from loaders.pdf import PdfLoader
    except ModuleNotFoundError as error:
        raise MissingExtra("Reading PDF needs the package pypdfium2.", "pip install 'kb-server[pdf]'") from error
    return PdfLoader(pictures=pictures)
