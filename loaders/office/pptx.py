"""PowerPoint presentations."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pptx
from pptx.chart.chart import Chart
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.shapes.base import BaseShape
from pptx.slide import Slide
from pptx.table import Table
from pptx.text.text import TextFrame, _Paragraph

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.pictures.picture import EmbeddedPictures
from loaders.unpack.archive import BROKEN, open_archive

_BROKEN = (*BROKEN, PythonPptxError, SyntaxError, TypeError, AttributeError, LookupError, OSError)
# lxml's errors are SyntaxErrors; the rest is what python-pptx runs into where a part it expects is missing
_FURNITURE = (PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER)
_ROW = 360_000  # EMU, a centimetre: shapes whose tops differ by less stand in a row
_LONGEST_TITLE = 200
_DIAGRAM_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_DIAGRAM_POINT = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}pt"
_DIAGRAM_DATA = "/diagramData"


class PptxLoader:
    """Reads slides in order, a slide a page: title as heading, texts, tables, charts, pictures, then the notes.

    Slide numbers, dates and footers are left out.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        pictures = EmbeddedPictures(builder)
        try:
            with open_archive(path, name):  # bounds what may be unpacked
                presentation = pptx.Presentation(str(path))
            slides = list(presentation.slides)
            for number, slide in enumerate(slides, start=1):
                _Walk(builder, pictures, number).run(slide)
        except _BROKEN as error:
            raise LoadError(
                f"'{name}' is a damaged presentation.", "Open it in PowerPoint and save it again."
            ) from error
        return builder.build(len(slides))


class _Walk:
    """Adds one slide."""

    def __init__(self, builder: DocumentBuilder, pictures: EmbeddedPictures, number: int) -> None:
        self._builder = builder
        self._pictures = pictures
        self._number = number

    def run(self, slide: Slide) -> None:
        self._builder.leave(1)
        title_id = self._title(slide)
        for shape in _in_order(slide.shapes):
            if shape.shape_id != title_id and not _is_furniture(shape):
                self._shape(shape)
        for text in _diagrams(slide):
            self._builder.items(text, self._number)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            self._text(slide.notes_slide.notes_text_frame)

    def _title(self, slide: Slide) -> int | None:
        """Add the title as a heading, and return its number; None where there is none or it is no title."""
        title = slide.shapes.title
        if title is None or len(title.text_frame.text) > _LONGEST_TITLE:
            return None
        self._builder.heading(1, title.text_frame.text, self._number)
        return int(title.shape_id)

    def _shape(self, shape: Any) -> None:  # noqa: ANN401  (python-pptx's shapes share no class with these attributes)
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            for inner in _in_order(shape.shapes):
                self._shape(inner)
        elif getattr(shape, "has_table", False):
            self._table(shape.table)
        elif getattr(shape, "has_chart", False):
            self._chart(shape.chart)
        elif hasattr(shape, "image"):
            self._picture(shape)
        elif shape.has_text_frame:
            self._text(shape.text_frame)

    def _text(self, frame: TextFrame) -> None:
        """Add paragraphs; several of them, or indented ones, are a list."""
        paragraphs = [paragraph for paragraph in frame.paragraphs if _words(paragraph).strip()]
        if len(paragraphs) > 1:
            self._builder.items(("  " * each.level + _words(each).strip() for each in paragraphs), self._number)
        else:
            self._builder.lines("\n".join(map(_words, paragraphs)), self._number)

    def _table(self, table: Table) -> None:
        rows = [[_cell(cell) for cell in row.cells] for row in table.rows]
        self._builder.table(rows, self._number, headers=1 if table.first_row else None)

    def _chart(self, chart: Chart) -> None:
        """Add the numbers behind a chart as a table: a row for each category, a column for each series."""
        if chart.has_title:
            self._builder.lines(chart.chart_title.text_frame.text, self._number)
        for plot in chart.plots:
            columns = [[str(series.name), *map(_value, series.values)] for series in plot.series]
            labels = ["", *map(str, plot.categories)]
            self._builder.table(list(zip(labels, *columns, strict=False)), self._number, headers=1)

    def _picture(self, shape: Any) -> None:  # noqa: ANN401  (pictures and placeholders share no class with an image)
        try:
            data = shape.image.blob
        except (AttributeError, LookupError, ValueError, PythonPptxError):  # linked, or an empty placeholder
            return
        self._pictures.add(data, self._number)


def _in_order(shapes: Iterable[BaseShape]) -> list[BaseShape]:
    """Sort from top to bottom, and from left to right where shapes stand beside each other."""
    return sorted(shapes, key=lambda shape: ((shape.top or 0) // _ROW, shape.left or 0))


def _is_furniture(shape: BaseShape) -> bool:
    return shape.is_placeholder and shape.placeholder_format.type in _FURNITURE


def _words(paragraph: _Paragraph) -> str:
    return paragraph.text.replace("\v", "\n")


def _cell(cell: Any) -> str:  # noqa: ANN401  (python-pptx keeps its class to itself)
    """Return a cell's text; one that spans others stands once."""
    return "" if cell.is_spanned else str(cell.text_frame.text)


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _diagrams(slide: Slide) -> Iterator[list[str]]:
    """Yield the texts of each SmartArt drawing."""
    for relation in slide.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(_DIAGRAM_DATA):
            from lxml import etree  # type: ignore[import-untyped]  # ships no types

            root = etree.fromstring(relation.target_part.blob, etree.XMLParser(resolve_entities=False, no_network=True))
            points = root.iter(_DIAGRAM_POINT)
            yield ["".join(text.text or "" for text in point.iter(_DIAGRAM_TEXT)) for point in points]
