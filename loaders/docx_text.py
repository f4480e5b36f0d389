"""Words of a Word paragraph, however they are wrapped."""

from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

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
