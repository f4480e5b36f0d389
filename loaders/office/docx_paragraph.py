"""What a Word paragraph is: a heading, a list item, or plain."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

Element = Any  # an lxml element; lxml ships no types

PARAGRAPH = qn("w:p")

_W_T, _W_TAB = qn("w:t"), qn("w:tab")

_BREAKS = (qn("w:br"), qn("w:cr"))

_M_T = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"

_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"

_TEXT_BOX = qn("w:txbxContent")

_SILENT = frozenset([_TEXT_BOX, _FALLBACK, qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr")])


def paragraph_text(paragraph: Element) -> str:
    """Return the text that is shown: inserted text counts, deleted text does not; boxes are apart."""
    return "".join(_pieces(paragraph))


def _pieces(parent: Element) -> Iterator[str]:
    for child in parent.iterchildren():
        if child.tag in (_W_T, _M_T):
            yield child.text or ""
        elif child.tag == _W_TAB:
            yield "\t"
        elif child.tag in _BREAKS:
            yield "\n"
        elif child.tag == qn("w:noBreakHyphen"):
            yield "-"
        elif child.tag not in _SILENT:
            yield from _pieces(child)


def text_boxes(paragraph: Element) -> Iterator[Element]:
    """Yield the outermost text boxes once each; older Word versions get a copy, which is the fallback."""
    for box in paragraph.iter(_TEXT_BOX):
        outer = list(box.iterancestors(_TEXT_BOX, _FALLBACK, PARAGRAPH))
        inside = outer[: outer.index(paragraph)]
        if not any(ancestor.tag in (_TEXT_BOX, _FALLBACK) for ancestor in inside):
            yield box


_LIST_PREFIX, _NO_LISTS = "list", ("list continue", "list paragraph")


class _Style(NamedTuple):
    name: str
    properties: Element


class Styles:
    """Styles of paragraphs with those they are based on, looked up once each: a book has them thousands of times."""

    def __init__(self) -> None:
        self._chains: dict[str | None, list[_Style]] = {}

    def heading_level(self, paragraph: Paragraph) -> int | None:
        """Return 0 for a title, 1.. for headings by style or outline level, None for other text."""
        for name, _ in self._chain(paragraph):
            if name == "title":
                return 0
            if name.startswith("heading ") and name[8:].isdecimal():
                return int(name[8:])
        levels = map(_outline, self.properties(paragraph))
        return next((level for level in levels if level is not None), None)

    def is_list(self, paragraph: Paragraph) -> bool:
        """Tell whether the style is one of Word's for lists."""
        name = next((style.name for style in self._chain(paragraph)), "")
        return name.startswith(_LIST_PREFIX) and not name.startswith(_NO_LISTS)

    def properties(self, paragraph: Paragraph) -> list[Element]:
        """Return what is set for a paragraph: its own, then those of its style and the styles that is based on."""
        own = paragraph._p.pPr
        inherited = [style.properties for style in self._chain(paragraph)]
        return [each for each in (own, *inherited) if each is not None]

    def _chain(self, paragraph: Paragraph) -> list[_Style]:
        key = paragraph._p.style
        if key not in self._chains:
            chain: list[_Style] = []
            style: Any = paragraph.style
            while style is not None:
                chain.append(_Style((style.name or "").lower(), style.element.pPr))
                style = style.base_style
            self._chains[key] = chain
        return self._chains[key]


def _outline(properties: Element) -> int | None:
    """Return the outline level from 1; Word's 9 is body text."""
    element = properties.find(qn("w:outlineLvl"))
    value = "9" if element is None else element.get(qn("w:val"), "9")
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else None
