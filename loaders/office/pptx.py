"""PowerPoint presentations."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pptx
from pptx.exc import PythonPptxError
from pptx.slide import Slide

from kb_server.core.domain import Document
from kb_server.core.errors import KbError, LoadError
from loaders.builder import DocumentBuilder
from loaders.isolate.progress import page_done
from loaders.office.drawing import (
    add_chart,
    alternative_text,
    attribute,
    diagram_texts,
    local,
    paragraphs,
    parse,
    table_cells,
)
from loaders.office.package import mended
from loaders.pictures.picture import EmbeddedPictures
from loaders.table import is_layout
from loaders.unpack.archive import BROKEN

Element = Any  # an lxml element; lxml ships no types

_BROKEN = (*BROKEN, PythonPptxError, SyntaxError, TypeError, AttributeError, LookupError, OSError)
# lxml's errors are SyntaxErrors; the rest is what python-pptx runs into where a part it expects is missing
_FURNITURE = ("sldNum", "dt", "ftr", "hdr")
_TITLES = ("title", "ctrTitle")
_SHAPES = ("sp", "pic", "graphicFrame", "grpSp", "cxnSp", "AlternateContent", "contentPart")
_ROW = 360_000  # EMU, a centimetre: shapes whose tops differ by less stand in a row
_LONGEST_TITLE = 200
_DIAGRAM_DATA = "dm"
_EMBEDDED = {"xlsx", "xlsm", "docx", "docm", "pptx", "xls", "doc"}


class PptxLoader:
    """Reads slides in order, a slide a page: title as heading, texts, tables, charts, pictures, then the notes.

    Slide numbers, dates and footers are left out. What cannot be read of a slide costs only itself, and is noted.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        pictures = EmbeddedPictures(builder)
        try:
            copy, lacking = mended(path, name)  # bounds what may be unpacked
            presentation = pptx.Presentation(copy or str(path))
            numbers = list(presentation.part._element.iterfind("{*}sldIdLst/{*}sldId"))
        except _BROKEN as error:
            raise LoadError(
                f"'{name}' is a damaged presentation.", "Open it in PowerPoint and save it again."
            ) from error
        if lacking:
            builder.missing("parts that the file refers to but does not hold", lacking)
        for number, slide in enumerate(numbers, start=1):
            try:
                _Walk(builder, pictures, number, presentation.part.related_slide(slide.rId)).run()
            except _BROKEN:
                builder.missing("slide that is damaged")
            page_done(number, len(numbers))
        return builder.build(len(numbers))


class _Walk:
    """Adds one slide."""

    def __init__(self, builder: DocumentBuilder, pictures: EmbeddedPictures, number: int, slide: Slide) -> None:
        self._builder = builder
        self._pictures = pictures
        self._number = number
        self._slide = slide
        self._part: Any = slide.part

    def run(self) -> None:
        self._builder.leave(1)
        shapes = _in_order(self._slide._element.spTree, _places(self._slide))
        title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
        if title is not None and self._title(title):
            shapes.remove(title)
        for shape in shapes:
            self._guarded(shape)
        self._notes()

    def _title(self, shape: Element) -> bool:
        """Add the title as a heading, unless it is none."""
        text = "\n".join(text for body in shape.iterchildren("{*}txBody") for _, text in paragraphs(body))
        if not text or len(text) > _LONGEST_TITLE:
            return False
        self._builder.heading(1, text, self._number)
        return True

    def _guarded(self, shape: Element) -> None:
        try:
            self._shape(shape)
        except _BROKEN:
            self._builder.missing("drawing that is damaged")

    def _shape(self, shape: Element) -> None:
        name = local(shape)
        if _placeholder(shape) in _FURNITURE:
            return
        if name in ("grpSp", "AlternateContent"):
            self._group(shape)
        elif name == "graphicFrame":
            self._frame(shape)
        elif name == "pic":
            self._picture(shape)
        else:
            for body in shape.iterchildren("{*}txBody"):
                self._text(paragraphs(body))
            self._fills(shape)

    def _group(self, shape: Element) -> None:
        """Add the shapes of a group; of two versions of one, the first that has any, which is for new programs."""
        if local(shape) == "grpSp":
            for inner in _in_order(shape, {}):
                self._guarded(inner)
            return
        version = next((each for each in shape if any(local(inner) in _SHAPES for inner in each)), ())
        for inner in version:
            if local(inner) in _SHAPES:
                self._guarded(inner)

    def _text(self, found: list[tuple[int, str]]) -> None:
        """Add paragraphs; several of them, or indented ones, are a list."""
        if len(found) > 1:
            self._builder.items(("  " * level + text for level, text in found), self._number)
        else:
            self._builder.lines("\n".join(text for _, text in found), self._number)

    def _frame(self, frame: Element) -> None:
        for element in frame.iterfind("{*}graphic/{*}graphicData/{*}*"):
            name = local(element)
            if name == "tbl":
                self._table(element)
            elif name == "chart":
                add_chart(self._builder, parse(self._related(element, "id").blob), self._number)
            elif name == "relIds":
                self._diagram(self._related(element, _DIAGRAM_DATA))
            elif name in ("oleObj", "AlternateContent"):
                self._embedded(element)

    def _table(self, element: Element) -> None:
        rows, headers = table_cells(element)
        if is_layout(rows):
            self._text([(0, line) for row in rows for cell in row for line in cell.text.split("\n")])
        else:
            self._builder.table(rows, self._number, headers)

    def _diagram(self, part: Any) -> None:  # noqa: ANN401  (python-pptx's parts)
        self._builder.items(diagram_texts(parse(part.blob)), self._number)

    def _embedded(self, element: Element) -> None:
        """Add what an embedded workbook or document says; of another object, the picture that shows it."""
        for item in element.iter("{*}oleObj"):
            part = self._related(item, "id")
            suffix = str(part.partname).rpartition(".")[2].lower()
            if suffix in _EMBEDDED and self._document(part.blob, f"{item.get('name') or 'embedded'}.{suffix}"):
                return
        for picture in element.iter("{*}pic"):
            self._picture(picture)
            return

    def _document(self, data: bytes, name: str) -> bool:
        from loaders import load  # which imports this module when it is needed

        with TemporaryDirectory() as folder:
            path = Path(folder, "embedded")
            path.write_bytes(data)
            try:
                self._builder.include(load(path, name), self._number)
            except KbError:
                self._builder.missing("embedded document that cannot be read")
                return False
        return True

    def _picture(self, shape: Element) -> None:
        self._builder.picture(alternative_text(shape), self._number)
        self._fills(shape)

    def _fills(self, shape: Element) -> None:
        """Add the text of the pictures that a shape shows."""
        for blip in shape.iter("{*}blip"):
            part = self._part.rels.get(attribute(blip, "embed"))
            if part is not None and not part.is_external:
                self._pictures.add(part.target_part.blob, self._number)
            elif attribute(blip, "link") or attribute(blip, "embed"):
                self._builder.missing("picture that the file does not hold")

    def _related(self, element: Element, attribute_name: str) -> Any:  # noqa: ANN401  (python-pptx's parts)
        return self._part.related_part(attribute(element, attribute_name))

    def _notes(self) -> None:
        try:
            frame = self._slide.notes_slide.notes_text_frame if self._slide.has_notes_slide else None
        except _BROKEN:
            self._builder.missing("notes that are damaged")
            return
        if frame is not None:
            self._text(paragraphs(frame._txBody))


def _in_order(parent: Element, inherited: dict[Element, tuple[int, int]]) -> list[Element]:
    """Sort from top to bottom, and from left to right where shapes stand beside each other."""
    shapes = [child for child in parent if local(child) in _SHAPES]

    def place(shape: Element) -> tuple[int, int]:
        top, left = _own_place(shape) or inherited.get(shape, (0, 0))
        return top // _ROW, left

    return sorted(shapes, key=place)


def _own_place(shape: Element) -> tuple[int, int] | None:
    for transform in shape.iter("{*}xfrm"):
        for offset in transform.iterchildren("{*}off"):
            try:
                return int(offset.get("y", "0")), int(offset.get("x", "0"))
            except ValueError:
                return None
    return None


def _places(slide: Slide) -> dict[Element, tuple[int, int]]:
    """Return where placeholders stand whose layout says so."""
    found: dict[Element, tuple[int, int]] = {}
    for shape in slide.placeholders:
        try:
            found[shape._element] = (shape.top or 0, shape.left or 0)
        except _BROKEN:  # its layout is damaged
            continue
    return found


def _placeholder(shape: Element) -> str:
    """Return what a shape is a placeholder for; empty for other shapes."""
    if local(shape) not in ("sp", "pic", "graphicFrame"):
        return ""
    found = next(iter(shape.iterfind("{*}*/{*}nvPr/{*}ph")), None)
    return "" if found is None else found.get("type", "obj")
