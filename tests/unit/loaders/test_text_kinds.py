"""Text, Markdown, HTML and CSV: blocks of real files."""

from pathlib import Path

import pytest

from kb_server.core.domain import BlockKind, Document
from loaders import load


def _load(folder: Path, name: str, content: str | bytes) -> Document:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(path, name)


def _blocks(document: Document) -> list[tuple[str, str]]:
    return [(block.kind.value, document.text[block.start : block.end]) for block in document.blocks]


def test_text_joins_wrapped_lines_and_keeps_others(tmp_path: Path) -> None:
    wrapped = (
        "This paragraph was wrapped by an editor at seventy columns, as one\n"
        "used to do in the days of terminals, and its lines belong together\n"
        "up to the end."
    )
    document = _load(tmp_path, "a.txt", f"{wrapped}\n\nRoses are red,\nviolets are blue.\n\n- one\n- two\n")
    assert _blocks(document) == [
        ("paragraph", wrapped.replace("\n", " ")),
        ("paragraph", "Roses are red,\nviolets are blue."),
        ("list", "- one\n- two"),
    ]


def test_text_knows_chapters(tmp_path: Path) -> None:
    document = _load(tmp_path, "a.txt", "第一章 总则\n\n本法自公布之日起施行。\n\nCHAPTER II\n\nText.\n")
    assert [block.heading_path for block in document.blocks][1::2] == [("第一章 总则",), ("CHAPTER II",)]


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
    assert _blocks(_load(tmp_path, "a.md", source)) == [
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


def test_html(tmp_path: Path) -> None:
    source = """<!doctype html><html><head><title>Page</title><style>p{}</style></head><body>
<nav><a href=/>Home</a></nav><h2>Part</h2><p>One <b>bold</b>
word<script>alert(1)</script>.<p>Two<br>lines</p></p><p style="display:none">no</p>
<ul><li>a<li>b<ol><li>c</ol></ul><dl><dt>Term<dd>meaning</dl>
<table><tr><th>Name<th>Size<tr><td>MiniLM<td>90 MB</table>
<pre><code>x = 1
  y</code></pre><template>t</template><!-- c --></body></html>"""
    assert _blocks(_load(tmp_path, "a.html", source)) == [
        ("heading", "Page"),
        ("heading", "Part"),
        ("paragraph", "One bold word."),
        ("paragraph", "Two\nlines"),
        ("list", "a\nb\n  1. c"),
        ("list", "Term: meaning"),
        ("table", "Name: MiniLM; Size: 90 MB"),
        ("code", "x = 1\n  y"),
    ]


def test_html_tables_with_spans(tmp_path: Path) -> None:
    source = (
        "<table><tr><th></th><th colspan=2>Sales</th></tr><tr><th>Year</th><th>home</th><th>abroad</th></tr>"
        "<tr><td rowspan=2>2023</td><td>$</td><td>1</td></tr><tr><td>3</td><td>4</td></tr></table>"
    )
    blocks = _blocks(_load(tmp_path, "a.html", source))
    assert blocks == [("table", "Year: 2023; Sales abroad: $1\nYear: 2023; Sales home: 3; Sales abroad: 4")]


def test_html_layout_tables_and_deep_nesting(tmp_path: Path) -> None:
    source = "<table><tr><td><h1>T</h1>first<br><br>second</td></tr></table>" + "<div>" * 5000 + "deep"
    assert _load(tmp_path, "a.html", source).text == "T\n\nfirst\n\nsecond\n\ndeep"


@pytest.mark.parametrize("charset", ["gbk", "iso-8859-1", "windows-1251"])
def test_html_declared_charset(tmp_path: Path, charset: str) -> None:
    words = {"gbk": "知识", "iso-8859-1": "déjà", "windows-1251": "да"}[charset]
    source = f'<html><meta charset="{charset}"><p>{words}'
    assert _load(tmp_path, "a.html", source.encode(charset)).text == words


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters(tmp_path: Path, delimiter: str) -> None:
    rows = [["姓名", "城市", "说明"], ["李雷", "北京", '"第一行\n第二行"']]
    source = "\r\n".join(delimiter.join(row) for row in rows)
    assert _blocks(_load(tmp_path, "a.csv", source)) == [("table", "姓名: 李雷; 城市: 北京; 说明: 第一行第二行")]


def test_csv_with_a_quote_that_never_ends(tmp_path: Path) -> None:
    source = 'a,b\n1,"2\n' + "3,4\n" * 50_000
    document = _load(tmp_path, "a.csv", source)
    assert document.blocks[0].kind is BlockKind.TABLE
    assert document.text.count("\n") == 50_000


def test_csv_sep_line(tmp_path: Path) -> None:
    assert _load(tmp_path, "a.csv", "sep=;\na;b,c\n1;2\n").text == "a: 1; b,c: 2"


def test_a_title_above_a_csv_table_is_a_heading(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Stanley Cups,,\nTeam,Location,Cups\nBlues,STL,1\n", "utf-8")
    document = load(path, "a.csv")
    assert document.text == "Stanley Cups\n\nTeam: Blues; Location: STL; Cups: 1"
    assert document.blocks[1].heading_path == ("Stanley Cups",)


def test_a_csv_of_one_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Lorem ipsum\nconsectetur\n", "utf-8")
    assert load(path, "a.csv").text == "Lorem ipsum\nconsectetur"
