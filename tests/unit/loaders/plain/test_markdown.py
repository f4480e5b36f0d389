"""Markdown: the words without the marks."""

from pathlib import Path

import pytest

from loaders.plain.markdown import MarkdownLoader
from tests.unit.loaders.reading import blocks, read


def test_markdown(tmp_path: Path) -> None:
    source = """---
title: Notes
---
# Top *level*

Some [link](http://x.y) and `code`
over two lines ![a cat](c.png).

1. first
2. second
   - inner

```python
def f():

    return 1
```

| Name | Size |
|---|---|
| MiniLM | 90 MB |

<p>raw <b>html</b></p>

Setext
------
中文换
行。
"""
    assert blocks(read(MarkdownLoader(), tmp_path, "a.md", source)) == [
        ("paragraph", "title: Notes"),
        ("heading", "Top level"),
        ("paragraph", "Some link and code over two lines a cat."),
        ("list", "1. first\n2. second\n  inner"),
        ("code", "def f():\n\n    return 1"),
        ("table", "Name: MiniLM; Size: 90 MB"),
        ("paragraph", "raw html"),
        ("heading", "Setext"),
        ("paragraph", "中文换行。"),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("7. seven\n8. eight\n", [("list", "7. seven\n8. eight")]),
        ("- one\n\n  more of one\n- two\n", [("list", "one more of one\ntwo")]),
        ("- one\n\n      code\n\n- two\n", [("list", "one"), ("code", "code"), ("list", "two")]),
        ("1. a\n   1. b\n2. c\n", [("list", "1. a\n  1. b\n2. c")]),
        ("a ~~b~~ **c** `d` <br> e\n", [("paragraph", "a b c d e")]),
        ("![alt of *it*](x.png)\n", [("paragraph", "alt of it")]),
        ('[the text](http://example.org "title")\n', [("paragraph", "the text")]),
        ("> quoted\n> twice\n", [("paragraph", "quoted twice")]),
        ("<!-- nobody -->\n\nsays\n", [("paragraph", "says")]),
    ],
)
def test_words_stay_and_marks_go(tmp_path: Path, source: str, expected: list[tuple[str, str]]) -> None:
    assert blocks(read(MarkdownLoader(), tmp_path, "a.md", source)) == expected


def test_headings_nest_by_their_level(tmp_path: Path) -> None:
    document = read(MarkdownLoader(), tmp_path, "a.md", "# A\n## B\n### C\nx\n## D\ny\n")
    assert [b.heading_path for b in document.blocks if document.text[b.start : b.end] in "xy"] == [
        ("A", "B", "C"),
        ("A", "D"),
    ]


@pytest.mark.parametrize("fence", ["---", "+++"])
def test_front_matter_is_text_and_a_rule_in_the_middle_is_none(tmp_path: Path, fence: str) -> None:
    source = f"{fence}\ntitle: Notes\nauthor: Ann\n{fence}\nWords.\n\n---\n\nMore.\n"
    document = read(MarkdownLoader(), tmp_path, "a.md", source)
    assert document.text == "title: Notes\nauthor: Ann\n\nWords.\n\nMore."
