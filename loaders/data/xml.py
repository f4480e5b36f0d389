"""XML of any vocabulary."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from kb_server.text.characters import clean
from loaders.builder import DocumentBuilder
from loaders.decode.decoder import Undecodable, decode
from loaders.source import read_bytes

_ENCODING = re.compile(rb"""encoding\s*=\s*["']([\w.:-]+)""")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>\s*")
_DEEPEST = 500
_SHORT = 200


class XmlLoader:
    """Reads an element with nothing but short texts in it as a line `name: value; other: value`, others as prose.

    Attributes count as texts in an element that has no other. Entities of the file's own are refused.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        _add(builder, parse_xml(read_bytes(path, name), name))
        return builder.build()


def parse_xml(data: bytes, name: str) -> Element:
    """Return the root element; raises LoadError for XML that is damaged, nested too deeply or defines entities."""
    depth = 0
    root: Element | None = None
    try:
        for event, element in iterparse(BytesIO(_as_utf8(data, name)), events=("start", "end")):
            root = element if root is None else root
            depth += 1 if event == "start" else -1
            if depth > _DEEPEST:
                raise LoadError(f"'{name}' is nested too deeply.", "Make it flatter.")
    except ParseError as error:
        raise LoadError(
            f"'{name}' is no valid XML: {error}.", "Mend it, or name it .txt to read it as text."
        ) from error
    except DefusedXmlException as error:
        raise LoadError(f"'{name}' defines entities of its own, which is not allowed.", "Write them out.") from error
    if root is None:
        raise LoadError(f"'{name}' holds no XML.")
    return root


def _as_utf8(data: bytes, name: str) -> bytes:
    """Leave out the declaration: the encoding it names is often not the one the file was saved in."""
    declared = _ENCODING.search(data[:200])
    try:
        text = decode(data, declared[1].decode("ascii", "ignore") if declared else None)
    except Undecodable as error:
        raise LoadError(f"'{name}' is not text in any known encoding.", "Save it as UTF-8.") from error
    return clean(_DECLARATION.sub("", text, count=1)).encode()


def _add(builder: DocumentBuilder, root: Element) -> None:
    lines: list[str] = []
    for element in _units(root):
        if _is_record(element):
            lines.append(_record(element))
            continue
        builder.items(lines)
        lines = []
        builder.lines("".join(element.itertext()))
    builder.items(lines)


def _units(root: Element) -> Iterator[Element]:
    """Yield, in order, the elements that are read as a whole: records, and those that mix text with elements."""
    stack = [root]
    while stack:
        element = stack.pop()
        if _is_record(element) or _has_own_text(element) or not len(element):
            yield element
        else:
            stack += reversed(element)


def _has_own_text(element: Element) -> bool:
    return any(text and text.strip() for text in (element.text, *(child.tail for child in element)))


def _is_record(element: Element) -> bool:
    """Tell whether an element is a list of names and short values: children with text only, or attributes alone."""
    if not len(element):
        return bool(element.attrib) and not (element.text or "").strip()
    return all(map(_is_leaf, element)) and not _has_own_text(element) and len({child.tag for child in element}) > 1


def _is_leaf(element: Element) -> bool:
    return not len(element) and len(element.text or "") < _SHORT


def _record(element: Element) -> str:
    pairs = [*element.attrib.items(), *((child.tag, child.text or "") for child in element)]
    return "; ".join(f"{_local(tag)}: {text.strip()}" for tag, text in pairs if text.strip())


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
