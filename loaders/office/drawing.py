"""What DrawingML puts on slides and sheets: paragraphs with their equations, tables, charts, diagrams."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # ships no types

from loaders.builder import DocumentBuilder
from loaders.office.equation import equation_text, lowered, raised
from loaders.office.number_format import cell_text, is_date, serial_text
from loaders.table import Cell

Element = Any  # an lxml element

_CACHES = ("{*}numCache", "{*}strCache", "{*}numLit", "{*}strLit")
_XY = ("scatterChart", "bubbleChart")
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg)|(?:picture|image|图片|图像) ?\d+", re.IGNORECASE)
_MACHINE_MADE = re.compile(
    r"描述已自动生成|Description automatically generated|AI 生成的内容可能不正确。?", re.IGNORECASE
)


def parse(data: bytes) -> Element:
    """Parse a part; nothing is fetched and no entity is resolved. Raises SyntaxError."""
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))


def local(element: Element) -> str:
    """Return an element's name without its namespace; empty for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """Return an attribute by its local name, as `r:embed` of any flavour; empty where there is none."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def paragraph_text(paragraph: Element) -> str:
    """Return a paragraph's text, with its line breaks, what is raised or lowered, and equations."""
    return "".join(_run(child) for child in paragraph)


def _run(element: Element) -> str:
    name = local(element)
    if name in ("oMath", "oMathPara"):
        return equation_text(element)
    if name == "AlternateContent":
        return next(filter(str.strip, map(paragraph_text, element)), "")
    if name == "m":
        return paragraph_text(element)
    if name in ("r", "fld"):
        return _moved(element)
    return "\n" if name == "br" else ""


def _moved(run: Element) -> str:
    """Return a run's text, raised or lowered where it is."""
    text = _content(run, "t").replace("\v", "\n")
    height = _property(run, "rPr", "baseline")
    if height.startswith("-"):
        return lowered(text)
    return raised(text) if height.strip("0%") else text


def _property(element: Element, group: str, name: str) -> str:
    properties = element.find(f"{{*}}{group}")
    return "" if properties is None else properties.get(name, "")


def paragraphs(body: Element) -> list[tuple[int, str]]:
    """Return the level and text of each paragraph that has one."""
    found = []
    for paragraph in body.iterchildren("{*}p"):
        level = _property(paragraph, "pPr", "lvl")
        if text := paragraph_text(paragraph).strip():
            found.append((int(level) if level.isdecimal() else 0, text))
    return found


def table_cells(table: Element) -> tuple[list[list[Cell]], int | None]:
    """Return the rows of a table, and how many are headings (None if it doesn't say)."""
    is_headed = _property(table, "tblPr", "firstRow") in ("1", "true")
    rows = [
        [_cell(cell) for cell in row.iterchildren("{*}tc") if not _is_covered(cell)]
        for row in table.iterchildren("{*}tr")
    ]
    return rows, 1 if is_headed else None


def _is_covered(cell: Element) -> bool:
    return any(cell.get(name) in ("1", "true") for name in ("hMerge", "vMerge"))


def _cell(cell: Element) -> Cell:
    body = cell.find("{*}txBody")
    text = "\n".join(line for _, line in paragraphs(body)) if body is not None else ""
    down, across = (cell.get(name, "1") for name in ("rowSpan", "gridSpan"))
    return Cell(text, *(int(span[:6]) if span.isdecimal() else 1 for span in (down, across)))


def alternative_text(element: Element) -> str:
    """Return what an author wrote of a picture or drawing for those who can't see it; empty for a mere name."""
    for properties in element.iter("{*}cNvPr", "{*}docPr"):
        text = _MACHINE_MADE.sub("", properties.get("descr", "")).strip()
        return "" if _FILE_NAME.fullmatch(text) else text
    return ""


def add_chart(builder: DocumentBuilder, root: Element, page: int | None = None) -> None:
    """Add a chart's title and the numbers behind it: a row for each category, or for each point of a scatter chart."""
    chart = root if local(root) == "chart" else root.find("{*}chart")
    area = chart.find("{*}plotArea") if chart is not None else None
    if area is None:
        return
    builder.lines(_title(chart), page)
    for plot in area:
        series = list(plot.iterchildren("{*}ser"))
        if local(plot) in _XY:
            for each in series:
                builder.table(_points(each, area), page, headers=1)
        elif series:
            builder.table(_categories(series), page, headers=1)


def _title(element: Element) -> str:
    title = element.find("{*}title")
    if title is None:
        return ""
    return " ".join(paragraph_text(each).strip() for each in title.iter("{*}p")) or _first(_values(title.find("{*}tx")))


def _first(values: dict[int, str]) -> str:
    return next(iter(values.values()), "")


def _categories(series: Sequence[Element]) -> list[list[str]]:
    labels: dict[int, str] = {}
    for each in series:
        labels |= {key: text for key, text in _values(each.find("{*}cat")).items() if key not in labels}
    columns = [_values(each.find("{*}val")) for each in series]
    places = sorted(set(labels).union(*columns))
    names = [_first(_values(each.find("{*}tx"))) for each in series]
    rows = [[labels.get(at, str(at + 1)), *(column.get(at, "") for column in columns)] for at in places]
    return [["", *names], *rows]


def _points(series: Element, area: Element) -> list[list[str]]:
    """Return both coordinates of each point, and the size of a bubble; the axes' titles head them."""
    across, up, *_ = [*map(_title, area.iterchildren("{*}valAx")), "", ""]
    columns = [_values(series.find(f"{{*}}{axis}")) for axis in ("xVal", "yVal", "bubbleSize")]
    rows = [[column.get(at, "") for column in columns] for at in sorted(set().union(*columns))]
    return [[across or "X", up or _first(_values(series.find("{*}tx"))) or "Y", "Size"], *rows]


def _values(source: Element | None) -> dict[int, str]:
    """Return the values that a chart keeps of its cells, by their place; levels of a heading are joined."""
    if source is None:
        return {}
    if (direct := source.find("{*}v")) is not None:
        return {0: direct.text or ""}
    found: dict[int, str] = {}
    for level in list(source.iter("{*}lvl"))[::-1]:
        found = _carried(found, dict(_stored(level)))
    for cache in source.iter(*_CACHES):
        found |= _stored(cache)
    return found


def _carried(outer: dict[int, str], inner: dict[int, str]) -> dict[int, str]:
    """Put the last outer label at or before a place in front of the inner one."""
    joined, last = {}, ""
    for at in sorted({*outer, *inner}):
        last = outer.get(at, last)
        joined[at] = " / ".join(filter(None, (last, inner.get(at, ""))))
    return joined


def _stored(cache: Element) -> Iterator[tuple[int, str]]:
    code = _content(cache, "formatCode") or "General"
    for point in cache.iterchildren("{*}pt"):
        value, at = _content(point, "v"), point.get("idx", "")
        if at.isdecimal():
            is_number = local(cache).startswith("num")
            yield int(at), _number(value, point.get("formatCode", code)) if is_number else value


def _content(element: Element, name: str) -> str:
    return "".join(each.text or "" for each in element.iterchildren(f"{{*}}{name}"))


def _number(value: str, code: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    return serial_text(number, code) if is_date(code) else cell_text(number, code)


def diagram_texts(root: Element) -> list[str]:
    """Return the texts of a SmartArt drawing, a box each."""
    return ["\n".join(map(paragraph_text, point.iter("{*}p"))).strip() for point in root.iter("{*}pt")]
