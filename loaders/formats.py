"""Every format that can be loaded: its kind, the names its files have, and what reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of file that can be loaded."""

    PDF = "pdf"
    DOCX = "docx"
    DOC = "doc"
    PPTX = "pptx"
    PPT = "ppt"
    XLSX = "xlsx"
    XLS = "xls"
    ODT = "odt"
    ODS = "ods"
    ODP = "odp"
    RTF = "rtf"
    EPUB = "epub"
    HTML = "html"
    MHTML = "mhtml"
    MARKDOWN = "markdown"
    RST = "rst"
    ORG = "org"
    TEXT = "text"
    SUBTITLES = "subtitles"
    CSV = "csv"
    JSON = "json"
    NOTEBOOK = "notebook"
    XML = "xml"
    CODE = "code"
    MAIL = "mail"
    OUTLOOK = "outlook"
    PICTURE = "picture"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind is read.

    `title` completes "reading …"; `loader` is "module:Class", imported at first use; `extra` is what to install for
    `package`, where the core does not bring it; `is_binary` says that bytes and not the name tell the kind.
    """

    title: str
    loader: str
    suffixes: tuple[str, ...]
    package: str = ""
    extra: str = ""
    is_binary: bool = False


def _office(title: str, loader: str, suffixes: str, package: str = "", extra: str = "") -> Format:
    return Format(title, loader, tuple(suffixes.split()), package, extra, is_binary=True)


def _text(title: str, loader: str, suffixes: str, package: str = "", extra: str = "") -> Format:
    return Format(title, loader, tuple(suffixes.split()), package, extra)


_CODE_SUFFIXES = (
    ".py .pyi .js .mjs .jsx .ts .tsx .vue .java .kt .scala .groovy .c .h .cc .cpp .hpp .cs .go .rs .swift .m .rb .php "
    ".pl .lua .r .jl .sh .bash .bat .ps1 .sql .css .scss .tex .proto .yaml .yml .toml .ini .cfg .conf .properties"
)
FORMATS: Mapping[Kind, Format] = {
    Kind.PDF: _office("PDF", "loaders.pdf.loader:PdfLoader", ".pdf", "pypdfium2", "pdf"),
    Kind.DOCX: _office("Word documents", "loaders.office.docx:DocxLoader", ".docx .docm", "python-docx", "docx"),
    Kind.DOC: _office("old Word documents", "loaders.legacy_office.doc:DocLoader", ".doc"),
    Kind.PPTX: _office("presentations", "loaders.office.pptx:PptxLoader", ".pptx .pptm", "python-pptx", "pptx"),
    Kind.PPT: _office("old presentations", "loaders.legacy_office.ppt:PptLoader", ".ppt"),
    Kind.XLSX: _office("workbooks", "loaders.office.xlsx:XlsxLoader", ".xlsx .xlsm", "openpyxl", "xlsx"),
    Kind.XLS: _office("old workbooks", "loaders.legacy_office.xls:XlsLoader", ".xls", "xlrd", "xls"),
    Kind.ODS: _office("OpenDocument spreadsheets", "loaders.office.open_document:OdsLoader", ".ods", "lxml", "odf"),
    Kind.ODP: _office("OpenDocument presentations", "loaders.office.open_document:OdpLoader", ".odp", "lxml", "odf"),
    Kind.ODT: _office("OpenDocument text", "loaders.plain.pandoc:OdtLoader", ".odt", "pypandoc-binary", "pandoc"),
    Kind.RTF: _office("RTF", "loaders.plain.pandoc:RtfLoader", ".rtf", "pypandoc-binary", "pandoc"),
    Kind.EPUB: _office("e-books", "loaders.web.epub:EpubLoader", ".epub"),
    Kind.HTML: _text("web pages", "loaders.web.html:HtmlLoader", ".html .htm .xhtml"),
    Kind.MHTML: _text("saved web pages", "loaders.web.mhtml:MhtmlLoader", ".mhtml .mht"),
    Kind.MARKDOWN: _text("Markdown", "loaders.plain.markdown:MarkdownLoader", ".md .markdown"),
    Kind.RST: _text("reStructuredText", "loaders.plain.pandoc:RstLoader", ".rst", "pypandoc-binary", "pandoc"),
    Kind.ORG: _text("Org", "loaders.plain.pandoc:OrgLoader", ".org", "pypandoc-binary", "pandoc"),
    Kind.TEXT: _text("text", "loaders.plain.text:TextLoader", ".txt .text .log"),
    Kind.SUBTITLES: _text("subtitles", "loaders.plain.subtitles:SubtitleLoader", ".srt"),
    Kind.CSV: _text("tables", "loaders.data.csv:CsvLoader", ".csv .tsv"),
    Kind.JSON: _text("JSON", "loaders.data.json:JsonLoader", ".json .jsonl .ndjson"),
    Kind.NOTEBOOK: _text("notebooks", "loaders.data.notebook:NotebookLoader", ".ipynb"),
    Kind.XML: _text("XML", "loaders.data.xml:XmlLoader", ".xml"),
    Kind.CODE: _text("source code", "loaders.plain.code:CodeLoader", _CODE_SUFFIXES),
    Kind.MAIL: _text("mail", "loaders.mail.eml:MailLoader", ".eml"),
    Kind.OUTLOOK: _office("Outlook mail", "loaders.mail.outlook:OutlookLoader", ".msg", "python-oxmsg", "outlook"),
    Kind.PICTURE: _office(
        "pictures", "loaders.pictures.picture:PictureLoader", ".png .jpg .jpeg .bmp .tif .tiff .webp", "rapidocr", "ocr"
    ),
    Kind.ZIP: _office("archives", "", ".zip"),
}

KIND_BY_SUFFIX: Mapping[str, Kind] = {suffix: kind for kind, form in FORMATS.items() for suffix in form.suffixes}
SUFFIXES = frozenset(KIND_BY_SUFFIX)
"""The names of files that can be loaded."""
