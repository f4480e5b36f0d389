"""Trees of text that the component turns into elements of its own: it knows a few tags and never reads HTML."""

import re
from collections.abc import Callable, Sequence
from typing import TypedDict

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode


class Element(TypedDict, total=False):
    """An element. `does` is what a click on it says to the page; `says` is read to those who can't see it."""

    tag: str
    cls: str
    does: str
    says: str
    style: dict[str, str]
    children: "list[Node]"


Node = str | Element
Inline = Callable[[str], list[Node]]
"""Turns a run of text into nodes."""

# Without links, pictures and HTML: their source is shown as it was written.
_MARKDOWN = (
    MarkdownIt("commonmark")
    .enable(["table", "strikethrough"])
    .disable(["link", "image", "autolink", "html_inline", "html_block", "reference", "entity"])
)
_TAGS = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "blockquote",
    "heading": "h5",
    "strong": "strong",
    "em": "em",
    "s": "s",
    "hr": "hr",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}


def element(
    tag: str, *children: Node, cls: str = "", does: str = "", says: str = "", style: dict[str, str] | None = None
) -> Element:
    """Return an element."""
    made: Element = {"tag": tag, "children": list(children)}
    if cls:
        made["cls"] = cls
    if does:
        made["does"] = does
    if says:
        made["says"] = says
    if style:
        made["style"] = style
    return made


def lines(text: str, inline: Inline = lambda run: [run]) -> list[Node]:
    """Return text as it is, a paragraph a line."""
    return [element("p", *inline(line)) for line in text.split("\n") if line.strip()]


def markdown(text: str, inline: Inline = lambda run: [run]) -> list[Node]:
    """Return Markdown as elements; `inline` makes nodes of its runs of text."""
    tree = SyntaxTreeNode(_MARKDOWN.parse(text))
    return [node for child in tree.children for node in _nodes(child, inline)]


def marked(text: str, start: int, end: int, cls: str = "passage") -> list[Node]:
    """Return a passage, its line breaks kept, with the characters from `start` to `end` marked."""
    start = min(max(0, start), len(text))
    end = max(start, end)
    parts = [text[:start], element("mark", text[start:end]) if end > start else "", text[end:]]
    return [element("div", *[part for part in parts if part], cls=cls)]


def words_marked(text: str, words: Sequence[str]) -> list[Node]:
    """Return a passage with every one of these words marked, whatever their case."""
    if not words:
        return marked(text, 0, 0)
    found = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    children: list[Node] = []
    last = 0
    for match in found.finditer(text):
        children += [text[last : match.start()], element("mark", match.group(), cls="word")]
        last = match.end()
    return [element("div", *[part for part in (*children, text[last:]) if part], cls="passage")]


def _nodes(node: SyntaxTreeNode, inline: Inline) -> list[Node]:
    match node.type:
        case "text":
            return inline(node.content)
        case "softbreak" | "hardbreak":
            return [element("br")]
        case "code_inline":
            return [element("code", *inline(node.content))]
        case "fence" | "code_block":
            return [element("pre", element("code", *inline(node.content)))]
    children = [made for child in node.children for made in _nodes(child, inline)]
    tag = _TAGS.get(node.type)
    return [element(tag, *children)] if tag else children
