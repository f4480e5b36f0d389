"""OpenDocument spreadsheets and presentations (OASIS ODF 1.3), as LibreOffice, Calligra and WPS write them."""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.isolate.progress import page_done
from loaders.office.drawing import Element, attribute, local, parse
from loaders.office.equation import lowered, raised
from loaders.office.number_format import number_text
from loaders.office.sheet import Area, Place, Sheet, add_sheet
from loaders.pictures.picture import EmbeddedPictures
from loaders.table import Cell, is_layout
from loaders.unpack.archive import BROKEN, open_archive

_CONTENT = "content.xml"
_MOST_XML = 300 << 20
_MOST_REPEATED = 1000  # of a cell or row that holds something; what only fills the sheet is repeated a million times
_UNREADABLE = (*BROKEN, SyntaxError, LookupError, OSError)
_BESIDE = ("annotation", "note", "tracked-changes", "ruby-text", "forms", "frame", "custom-shape")
_BREAKS = {"tab": "\t", "line-break": "\n"}
_SHAPES = ("frame", "custom-shape", "g", "rect", "ellipse", "line", "connector", "polygon", "path")
_FURNITURE = ("footer", "header", "date-time", "page-number")
_LONGEST_TITLE = 200
_LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)(cm|mm|in|pt|pc|px)?")
_CENTIMETRES = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72, "pc": 2.54 / 6, "px": 2.54 / 96}
_SHOWN_NUMBER = re.compile(r"\d[\d.,\s]*")
_TIME = re.compile(r"(-?)PT(\d+)H(\d+)M(\d+)")


class OdsLoader:
    """Reads the values of each sheet as they are shown, with all their digits; a sheet is a page. Hidden ones count."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        return _load(path, name, "spreadsheet", lambda book: list(book.iterchildren("{*}table")), _File.add_sheet)


class OdpLoader:
    """Reads slides in order, a slide a page: title as heading, texts, tables, charts, pictures, then the notes."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        return _load(path, name, "presentation", lambda deck: list(deck.iterchildren("{*}page")), _File.add_slide)


def _load(
    path: Path,
    name: str,
    kind: str,
    parts_of: Callable[[Element], list[Element]],
    add: Callable[["_File", Element, int], None],
) -> Document:
    builder = DocumentBuilder(name)
    with open_archive(path, name) as archive:
        file = _File.opened(archive, builder, name)
        body = file.root.find(f"{{*}}body/{{*}}{kind}")
        if body is None:
            raise LoadError(f"'{name}' is no OpenDocument {kind}.", "Open it and save it again.")
        parts = parts_of(body)
        for number, part in enumerate(parts, start=1):
            add(file, part, number)
            page_done(number, len(parts))
    return builder.build(len(parts))


@dataclass(slots=True)
class _File:
    """An open document. `bold`, `above` and `below` are the names of styles that are bold, raised, lowered."""

    archive: zipfile.ZipFile
    builder: DocumentBuilder
    root: Element
    pictures: EmbeddedPictures
    bold: set[str] = field(default_factory=set)
    above: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)

    @classmethod
    def opened(cls, archive: zipfile.ZipFile, builder: DocumentBuilder, name: str) -> "_File":
        """Read the content; raises LoadError where it is locked, damaged or too large."""
        try:
            if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise LoadError(f"'{name}' is an OpenDocument file protected by a password.", "Save it without one.")
        except KeyError:  # no manifest: one can do without
            pass
        try:
            if archive.getinfo(_CONTENT).file_size > _MOST_XML:
                raise LoadError(f"'{name}' has too many cells to be read.", "Split it, or save it as CSV.")
            root = parse(archive.read(_CONTENT))
        except _UNREADABLE as error:
            raise LoadError(f"'{name}' is a damaged OpenDocument file.", "Open it and save it again.") from error
        made = cls(archive, builder, root, EmbeddedPictures(builder))
        made._read_styles()
        return made

    def _read_styles(self) -> None:
        for style in self.root.iter("{*}style"):
            for properties in style.iterchildren("{*}text-properties"):
                place = attribute(properties, "text-position")
                kinds = [(self.bold, attribute(properties, "font-weight") in ("bold", "700", "800", "900"))]
                kinds += [(self.above, place.startswith("super")), (self.below, place.startswith("sub"))]
                for names, belongs in kinds:
                    if belongs:
                        names.add(attribute(style, "name"))

    def add_sheet(self, table: Element, number: int) -> None:
        """Add a sheet, and below its cells what is drawn on it."""
        sheet, drawn = self._sheet(table)
        add_sheet(self.builder, sheet, number, has_more=bool(drawn))
        self._drawn(drawn, number)

    def _sheet(self, table: Element) -> tuple[Sheet, list[Element]]:
        cells: dict[Place, str] = {}
        bold: set[Place] = set()
        merged: list[Area] = []
        notes: list[str] = []
        for row, element, at in _places(table):
            if text := self._value(element):
                cells[row, at] = text
            if attribute(element, "style-name") in self.bold:
                bold.add((row, at))
            down, across = _spans(element)
            merged += [(row, at, row + down - 1, at + across - 1)] * (down * across > 1)
            notes += map(self.text, element.iterchildren("{*}annotation"))
        drawn = list(filter(_is_outer, table.iter("{*}frame", "{*}custom-shape")))
        return Sheet(attribute(table, "name"), cells, merged, frozenset(bold), notes), drawn

    def _value(self, cell: Element) -> str:
        """Return a cell's text: dates as 2024-01-31, numbers with what their format adds and all their digits."""
        shown = self.text(cell)
        kind = attribute(cell, "value-type")
        if kind == "date":
            return attribute(cell, "date-value").replace("T", " ").removesuffix(" 00:00:00") or shown
        if kind == "time" and not shown and (found := _TIME.match(attribute(cell, "time-value"))):
            return f"{found[1]}{int(found[2])}:{found[3]}:{found[4]}"
        if kind in ("float", "percentage", "currency"):
            return _full(shown, attribute(cell, "value"), is_percent=kind == "percentage")
        return shown

    def text(self, element: Element) -> str:
        """Return the text of all paragraphs directly in an element or in its lists, a line each."""
        lines: list[str] = []
        for child in element:
            name = local(child)
            if name in ("p", "h"):
                lines.append(self._inline(child))
            elif name in ("list", "list-item", "list-header", "section"):
                lines.append(self.text(child))
        return "\n".join(filter(None, map(str.strip, lines)))

    def _inline(self, element: Element) -> str:
        text = element.text or ""
        for child in element:
            text += self._piece(child) + (child.tail or "")
        return text

    def _piece(self, element: Element) -> str:
        if (name := local(element)) == "s":
            return " " * min(_count(element, "c"), _MOST_REPEATED)
        if name in _BREAKS:
            return _BREAKS[name]
        if not name or name in _BESIDE:
            return ""
        style, text = attribute(element, "style-name"), self._inline(element)
        if style in self.above:
            return raised(text)
        return lowered(text) if style in self.below else text

    def add_slide(self, page: Element, number: int) -> None:
        """Add a slide: its title, its shapes from top to bottom, its notes."""
        self.builder.leave(1)
        shapes = _shapes(page)
        for title in [shape for shape in shapes if attribute(shape, "class") == "title"][:1]:
            if 0 < len(text := self._box_text(title)) <= _LONGEST_TITLE:
                self.builder.heading(1, text, number)
                shapes.remove(title)
        self._drawn(shapes, number)
        for notes in page.iterchildren("{*}notes"):
            self._drawn(_shapes(notes), number)

    def _box_text(self, shape: Element) -> str:
        return "\n".join(filter(None, map(self.text, shape.iterchildren("{*}text-box"))))

    def _drawn(self, shapes: list[Element], page: int) -> None:
        for shape in shapes:
            is_empty = attribute(shape, "placeholder") == "true" or attribute(shape, "class") in _FURNITURE
            try:
                if local(shape) == "g":
                    self._drawn(_shapes(shape), page)
                elif not is_empty:
                    self._shape(shape, page)
            except _UNREADABLE:
                self.builder.missing("drawing that is damaged")

    def _shape(self, shape: Element, page: int) -> None:
        self._text_block(shape, page)
        for child in shape:
            name = local(child)
            if name == "text-box":
                self._text_block(child, page)
            elif name == "table":
                self._table(child, page)
            elif name == "object":
                self._object(attribute(child, "href"), page)
                return  # what follows is its picture
            elif name == "image":
                self._picture(attribute(child, "href"), page)
            elif name == "desc":
                self.builder.picture("".join(child.itertext()), page)

    def _text_block(self, element: Element, page: int) -> None:
        items = list(self._items(element, 0))
        if len(items) > 1:
            self.builder.items(items, page)
        else:
            self.builder.lines("".join(items), page)

    def _items(self, element: Element, depth: int) -> Iterator[str]:
        for child in element:
            name = local(child)
            if name in ("p", "h"):
                yield "  " * max(depth - 1, 0) + self._inline(child).strip()
            elif name in ("list", "list-item", "list-header"):
                yield from self._items(child, depth + (name == "list"))

    def _table(self, table: Element, page: int) -> None:
        rows: dict[int, list[Cell]] = {}
        for row, element, _ in _places(table):
            rows.setdefault(row, []).append(Cell(self.text(element), *_spans(element)))
        cells = [rows.get(row, []) for row in range(max(rows, default=-1) + 1)]
        if is_layout(cells):
            self.builder.lines("\n".join(cell.text for row in cells for cell in row), page)
        else:
            self.builder.table(cells, page, _headers(table))

    def _object(self, href: str, page: int) -> None:
        """Add an embedded object: of a chart its title and numbers, of a sheet its cells."""
        root = parse(self.archive.read(posixpath.normpath(f"{href}/{_CONTENT}").lstrip("./")))
        for chart in root.iter("{*}chart"):
            for title in chart.iterchildren("{*}title"):
                self.builder.lines(self.text(title), page)
        for table in root.iter("{*}table"):
            self._table(table, page)

    def _picture(self, href: str, page: int) -> None:
        try:
            self.pictures.add(self.archive.read(posixpath.normpath(href)), page)
        except BROKEN:
            self.builder.missing("picture that the file does not hold")


def _full(shown: str, value: str, *, is_percent: bool) -> str:
    """Put all digits of a value where its format shows a rounded one; a format that shows something else stays."""
    try:
        number = float(value)
    except ValueError:
        return shown
    found = list(_SHOWN_NUMBER.finditer(shown))
    if not shown or len(found) != 1:
        return shown or number_text(number)
    digits = found[0][0].strip()
    full = _same_in_full(digits, abs(number) * (100 if is_percent else 1))
    return shown[: found[0].start()] + full + shown[found[0].start() + len(digits) :]


def _same_in_full(digits: str, number: float) -> str:
    """Return all digits of a number that is shown rounded; what is shown, where that is another number."""
    plain = re.sub(r"[,\s](?=\d{3}(?!\d))", "", digits).replace(",", ".")
    whole, _, decimals = plain.partition(".")
    if plain.count(".") > 1 or abs(float(plain) - number) > 0.51 * 10.0 ** -len(decimals):
        return digits
    full = number_text(number)
    lacking = len(whole) - len(full.partition(".")[0])
    return "0" * lacking + full if plain.startswith("0") and "e" not in full else full


def _places(table: Element) -> Iterator[tuple[int, Element, int]]:
    """Yield row, cell and column of each cell that holds something or begins a table's row; repeats are counted."""
    row = 0
    for element in _rows(table):
        repeated = _count(element, "number-rows-repeated")
        found = list(_row_cells(element))
        for copy in range(min(repeated, _MOST_REPEATED) if any(_holds(cell) for cell, _ in found) else 0):
            for cell, column in found:
                yield row + copy, cell, column
        row += repeated


def _row_cells(row: Element) -> Iterator[tuple[Element, int]]:
    column = 0
    for cell in row.iterchildren("{*}table-cell", "{*}covered-table-cell"):
        repeated = _count(cell, "number-columns-repeated")
        if local(cell) == "table-cell":
            for copy in range(min(repeated, _MOST_REPEATED if _holds(cell) else 64)):
                yield cell, column + copy
        column += repeated


def _holds(cell: Element) -> bool:
    return len(cell) > 0 or bool(attribute(cell, "value"))


def _rows(table: Element) -> Iterator[Element]:
    for child in table:
        name = local(child)
        if name == "table-row":
            yield child
        elif name in ("table-header-rows", "table-row-group", "table-rows"):
            yield from _rows(child)


def _headers(table: Element) -> int | None:
    declared = sum(len(list(_rows(each))) for each in table.iterchildren("{*}table-header-rows"))
    return declared or int(attribute(table, "use-first-row-styles") == "true") or None


def _spans(cell: Element) -> tuple[int, int]:
    """Return how many rows and columns a cell covers."""
    return _count(cell, "number-rows-spanned"), _count(cell, "number-columns-spanned")


def _count(element: Element, name: str) -> int:
    value = attribute(element, name)
    return max(int(value), 1) if value.isdecimal() and len(value) < 9 else 1


def _shapes(parent: Element) -> list[Element]:
    """Return the shapes of a slide or group from top to bottom."""
    return sorted((child for child in parent if local(child) in _SHAPES), key=_place)


def _is_outer(shape: Element) -> bool:
    """Tell whether a shape lies on its sheet and not in another shape."""
    return next(shape.iterancestors("{*}frame", "{*}custom-shape"), None) is None


def _place(shape: Element) -> tuple[int, float]:
    return int(_length(attribute(shape, "y"))), _length(attribute(shape, "x"))


def _length(text: str) -> float:
    found = _LENGTH.fullmatch(text)
    return float(found[1]) * _CENTIMETRES[found[2] or "cm"] if found else 0.0
