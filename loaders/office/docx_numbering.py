"""Numbers of headings and list items, which a Word document does not hold but counts."""

import re
from collections import defaultdict
from typing import Any, NamedTuple

from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from docx.types import ProvidesStoryPart

from loaders.office.docx_paragraph import Styles

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip

_CHINESE = "〇一二三四五六七八九"

_LARGEST = 999


def numeral(value: int, form: str) -> str:
    """Write a number in one of Word's formats; one that is not known is written in digits."""
    if not 0 < value <= _LARGEST:
        return str(value)
    match form:
        case "upperLetter" | "upperRoman":
            return numeral(value, form.replace("upper", "lower")).upper()
        case "lowerLetter":
            return _letters(value)
        case "lowerRoman":
            return _roman(value)
        case "decimalZero":
            return f"{value:02}"
        case "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" if value <= 20:
            return chr(ord("①") + value - 1)
    return _chinese(value) if _is_chinese(form) else str(value)


def _is_chinese(form: str) -> bool:
    return form.startswith(("chineseCounting", "taiwaneseCounting", "japaneseCounting", "ideograph"))


def _letters(value: int) -> str:
    return chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)


def _roman(value: int) -> str:
    written = ""
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        written += letters * count
    return written


def _chinese(value: int) -> str:
    """Write 1 to 999 as it is spoken: 十二, 一百零三."""
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    written = f"{_CHINESE[hundreds]}百" if hundreds else ""
    if tens:
        written += "十" if tens == 1 and not hundreds else f"{_CHINESE[tens]}十"
    elif hundreds and ones:
        written += "零"
    return written + (_CHINESE[ones] if ones else "")


Element = Any  # an lxml element; lxml ships no types

_VAL = qn("w:val")

_PLACE = re.compile(r"%([1-9])")

_DEEPEST = 8

_WITHOUT_NUMBER = ("bullet", "none")


class ListLevel(NamedTuple):
    """Which list a paragraph belongs to, and how deep in it, from 0."""

    list: str
    level: int


class _Level(NamedTuple):
    start: int
    form: str
    text: str


class Numbering:
    """Counts as Word does, so paragraphs must be asked for in the order of the document."""

    def __init__(self, document: ProvidesStoryPart, styles: Styles) -> None:
        self._styles = styles
        self._abstract: dict[str, str] = {}
        self._levels: dict[str, dict[int, _Level]] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        for relation in document.part.rels.values():
            if relation.reltype.endswith("/numbering") and not relation.is_external:
                self._read(relation.target_part._element)

    def place(self, paragraph: Paragraph) -> ListLevel | None:
        """Return the list a paragraph belongs to, by itself or by its style."""
        level = None
        for properties in self._styles.properties(paragraph):
            numbering = properties.find(qn("w:numPr"))
            if numbering is None:
                continue
            level = _number(numbering.find(qn("w:ilvl"))) if level is None else level
            found = numbering.find(qn("w:numId"))
            if found is not None:
                name = found.get(_VAL, "0")
                return None if name == "0" else ListLevel(name, min(level or 0, _DEEPEST))
        return None

    def next_label(self, place: ListLevel) -> str:
        """Count one further and return the number to write, like `1.2` or `(a)`; empty for a bullet."""
        abstract = self._abstract.get(place.list, "")
        levels = self._levels.get(abstract, {})
        level = levels.get(place.level)
        if level is None:
            return ""
        counts = self._counts[abstract]
        counts.update(self._restarts.pop(place.list, {}))
        counts[place.level] = counts.get(place.level, level.start - 1) + 1
        for deeper in [each for each in counts if each > place.level]:
            del counts[deeper]
        if level.form in _WITHOUT_NUMBER:
            return ""
        return _PLACE.sub(lambda found: _written(levels, counts, int(found[1]) - 1), level.text).strip()

    def _read(self, root: Element) -> None:
        for abstract in root.iterfind(qn("w:abstractNum")):
            levels = {int(each.get(qn("w:ilvl"), "0")): _level(each) for each in abstract.iterfind(qn("w:lvl"))}
            self._levels[abstract.get(qn("w:abstractNumId"), "")] = levels
        for number in root.iterfind(qn("w:num")):
            name = number.get(qn("w:numId"), "")
            self._abstract[name] = number.find(qn("w:abstractNumId")).get(_VAL, "")
            starts = ((each, each.find(qn("w:startOverride"))) for each in number.iterfind(qn("w:lvlOverride")))
            self._restarts[name] = {
                int(each.get(qn("w:ilvl"), "0")): (_number(start) or 1) - 1
                for each, start in starts
                if start is not None
            }


def _written(levels: dict[int, _Level], counts: dict[int, int], index: int) -> str:
    level = levels.get(index)
    return "" if level is None else numeral(counts.get(index, level.start), level.form)


def _level(element: Element) -> _Level:
    form, text = element.find(qn("w:numFmt")), element.find(qn("w:lvlText"))
    start = _number(element.find(qn("w:start")))
    written = "decimal" if form is None else form.get(_VAL, "decimal")
    return _Level(1 if start is None else start, written, "" if text is None else text.get(_VAL, ""))


def _number(element: Element) -> int | None:
    value = None if element is None else element.get(_VAL, "")
    return int(value) if value is not None and value.isdecimal() else None
