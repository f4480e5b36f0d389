"""What stands beside the text of a Word document: footnotes, endnotes, comments, headers and footers."""

from collections.abc import Iterator
from typing import Any

from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from loaders.docx_text import PARAGRAPH, paragraph_text

Element = Any  # an lxml element; lxml ships no types

_ID, _AUTHOR = qn("w:id"), qn("w:author")
_KINDS = {"footnote": "/footnotes", "endnote": "/endnotes", "comment": "/comments"}
_FIELD = (qn("w:fldSimple"), qn("w:instrText"))


class Notes:
    """The notes of a document by where they are referred to."""

    def __init__(self, document: WordDocument) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        for relation in document.part.rels.values():
            for kind, suffix in _KINDS.items():
                if relation.reltype.endswith(suffix) and not relation.is_external:
                    self._read(kind, parse_xml(relation.target_part.blob))

    def of(self, paragraph: Element) -> Iterator[str]:
        """Yield the notes that a paragraph refers to, in order; a comment begins with its author."""
        for kind in _KINDS if self._texts else ():
            for reference in paragraph.iter(qn(f"w:{kind}Reference")):
                if text := self._texts.get((kind, reference.get(_ID, ""))):
                    yield text

    def _read(self, kind: str, root: Element) -> None:
        for note in root.iterfind(qn(f"w:{kind}")):
            text = "\n".join(filter(None, (paragraph_text(each).strip() for each in note.iter(PARAGRAPH))))
            author = note.get(_AUTHOR, "")
            self._texts[kind, note.get(_ID, "")] = f"{author}: {text}" if text and author else text


def page_edges(document: WordDocument) -> tuple[list[str], list[str]]:
    """Return the texts of headers and of footers, each once; those that only count pages are left out."""
    headers: dict[str, None] = {}
    footers: dict[str, None] = {}
    for section in document.sections:
        for header in (section.first_page_header, section.header, section.even_page_header):
            headers |= dict.fromkeys(_edge_texts(header))
        for footer in (section.first_page_footer, section.footer, section.even_page_footer):
            footers |= dict.fromkeys(_edge_texts(footer))
    return list(headers), list(footers)


def _edge_texts(edge: Any) -> Iterator[str]:  # noqa: ANN401  (headers and footers share a private class)
    if edge.is_linked_to_previous:
        return
    for paragraph in edge._element.iter(PARAGRAPH):
        text = paragraph_text(paragraph).strip()
        if text and not any(True for _ in paragraph.iter(*_FIELD)):
            yield text
