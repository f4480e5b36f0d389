"""Foreign text shown as text."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from webui.client.answers import Answer
from webui.safe.answers import answer_nodes
from webui.safe.labels import plain, shortened
from webui.safe.nodes import lines, markdown, marked

TAGS = set(
    "p br ul ol li blockquote h5 strong em s hr code pre span mark div button table thead tbody tr th td".split()
)


def text(node: Any) -> str:  # noqa: ANN401 - a node
    if isinstance(node, str):
        return node
    return "".join(text(child) for child in (node if isinstance(node, list) else node["children"]))


def tags(node: Any) -> set[str]:  # noqa: ANN401 - a node
    if isinstance(node, str):
        return set()
    if isinstance(node, list):
        return set().union(*(tags(child) for child in node))
    return {node["tag"]} | tags(node["children"])


@given(st.text(max_size=200))
def test_a_label_reads_as_what_was_written(written: str) -> None:
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(f"x{plain(written)}")
    shown = re.sub(r"&(amp|lt|gt|quot);", lambda found: {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}[found[1]], html)
    assert shown.removeprefix("<p>x").removesuffix("</p>\n").replace("\u2060", "") == " ".join(written.split()).replace(
        "\u2060", ""
    ).replace("\0", "\ufffd")


@pytest.mark.parametrize("shortcut", [":smile:", ":material/home:", "https://x.org", "www.x.org", "a@b.org", ":red[x]"])
def test_shortcuts_are_parted(shortcut: str) -> None:
    assert shortcut not in plain(shortcut).replace("\\", "")
    assert plain(shortcut).replace("\\", "").replace("\u2060", "") == shortcut


@given(st.text(max_size=300))
def test_markdown_makes_only_harmless_elements(written: str) -> None:
    made = markdown(written)
    assert tags(made) <= TAGS
    assert "does" not in json.dumps(made) or "does" in written


@pytest.mark.parametrize(
    "written", ["[a](javascript:alert(1))", "![x](http://e.org/p.png)", "<script>alert(1)</script>", "<http://e.org>"]
)
def test_links_pictures_and_html_are_shown_as_written(written: str) -> None:
    assert text(markdown(written)) == written


def test_markdown_keeps_its_structure() -> None:
    made = markdown("**a** `b`\n\n- one\n- two\n\n|x|y|\n|-|-|\n|1|2|\n")
    assert {"strong", "code", "ul", "li", "table", "th", "td"} <= tags(made)


@given(st.text(max_size=100), st.integers(-5, 120), st.integers(-5, 120))
def test_a_marked_passage_loses_nothing(written: str, start: int, end: int) -> None:
    assert text(marked(written, start, end)) == written


def test_exactly_the_quote_is_marked() -> None:
    (passage,) = marked("one two three", 4, 7)
    assert passage["children"] == ["one ", {"tag": "mark", "children": ["two"]}, " three"]  # type: ignore[index]  # a dict


def test_lines_are_paragraphs() -> None:
    assert [text(node) for node in lines("a\n\nb")] == ["a", "b"]


def cited(text_: str, mode: str, supported: bool = True) -> Answer:
    quote = {"chunk_id": 1, "document": "d", "page": None, "start": 0, "end": 1, "quote": "q", "supported": supported}
    values = {"refused": False, "hits": [], "model": None, "timings_ms": {}}
    return Answer.model_validate({**values, "answer": text_, "mode": mode, "citations": [{"number": 1, **quote}]})


@pytest.mark.parametrize("mode", ["extract", "generate"])
def test_only_numbers_of_citations_are_buttons(mode: str) -> None:
    made = answer_nodes(cited("In 1999[1] there were [2] of a[3].", mode), "Open {number}", "doubt")
    (paragraph,) = made
    buttons = [child for child in paragraph["children"] if isinstance(child, dict)]  # type: ignore[index]  # a dict
    assert [button["does"] for button in buttons] == ["1"]
    assert text(made) == "In 19991 there were [2] of a[3]."


def test_a_citation_that_markdown_swallows_is_still_a_button() -> None:
    fenced = answer_nodes(cited("```\nx = 1 [1]\n```", "generate"), "{number}", "doubt")
    unmarked = answer_nodes(cited("Nothing marked.", "generate"), "{number}", "doubt")
    for made in (fenced, unmarked):
        assert "button" in tags(made)


def test_only_the_sentence_before_a_doubtful_citation_is_marked() -> None:
    (paragraph,) = answer_nodes(
        cited("It is so. It was 5.[1] And on.", "generate", supported=False), "{number}", "doubt"
    )
    marks = [child for child in paragraph["children"] if isinstance(child, dict) and child["tag"] == "span"]  # type: ignore[index]  # a dict
    assert [text(mark) for mark in marks] == ["It was 5."]


def test_long_lines_are_shortened() -> None:
    assert shortened("a  b\nc", 10) == "a b c"
    assert shortened("abcdefgh", 5) == "abcd…"
