"""Web pages: what they say, in blocks."""

from pathlib import Path

import pytest

from loaders.web.html import HtmlLoader
from tests.unit.loaders.reading import blocks, read


def test_html(tmp_path: Path) -> None:
    source = """<!doctype html><html><head><title>Page</title><style>p{}</style></head><body>
<nav><a href=/>Home</a></nav><h2>Part</h2><p>One <b>bold</b>
word<script>alert(1)</script>.<p>Two<br>lines</p></p><p style="display:none">no</p>
<ul><li>a<li>b<ol><li>c</ol></ul><dl><dt>Term<dd>meaning</dl>
<table><tr><th>Name<th>Size<tr><td>MiniLM<td>90 MB</table>
<pre><code>x = 1
  y</code></pre><template>t</template><!-- c --></body></html>"""
    assert blocks(read(HtmlLoader(), tmp_path, "a.html", source)) == [
        ("heading", "Page"),
        ("heading", "Part"),
        ("paragraph", "One bold word."),
        ("paragraph", "Two\nlines"),
        ("list", "a\nb\n  1. c"),
        ("list", "Term: meaning"),
        ("table", "Name: MiniLM; Size: 90 MB"),
        ("code", "x = 1\n  y"),
    ]


def test_html_layout_tables_and_deep_nesting(tmp_path: Path) -> None:
    source = "<table><tr><td><h1>T</h1>first<br><br>second</td></tr></table>" + "<div>" * 5000 + "deep"
    assert read(HtmlLoader(), tmp_path, "a.html", source).text == "T\n\nfirst\n\nsecond\n\ndeep"


@pytest.mark.parametrize("charset", ["gbk", "iso-8859-1", "windows-1251"])
def test_html_declared_charset(tmp_path: Path, charset: str) -> None:
    words = {"gbk": "知识", "iso-8859-1": "déjà", "windows-1251": "да"}[charset]
    source = f'<html><meta charset="{charset}"><p>{words}'
    assert read(HtmlLoader(), tmp_path, "a.html", source.encode(charset)).text == words


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<ol start="3"><li>c<li>d</ol>', [("list", "3. c\n4. d")]),
        ("<ul><li><p>one</p><p>and more</p></li></ul>", [("list", "one and more")]),
        ("<dl><dt>Oak<dd>a tree<dd>a wood</dl>", [("list", "Oak: a tree; a wood")]),
        ("<dl><dt>Oak:</dt><dd>a tree</dd><dt>Elm</dt><dd>one</dd></dl>", [("list", "Oak: a tree\nElm: one")]),
        ("<p>see <img alt='the harbour' src=x> there</p>", [("paragraph", "see the harbour there")]),
        ("<p hidden>a</p><p aria-hidden=true>b</p><p style='visibility: hidden'>c</p>d", [("paragraph", "d")]),
        (
            "<footer>imprint</footer><main>x<footer>by Ann</footer></main>",
            [("paragraph", "x"), ("paragraph", "by Ann")],
        ),
        ("<pre>a  b\n\nc</pre>", [("paragraph", "a b"), ("paragraph", "c")]),
        ("&lt;b&gt; &amp; caf&eacute;", [("paragraph", "<b> & café")]),
    ],
)
def test_what_is_shown_is_read(tmp_path: Path, source: str, expected: list[tuple[str, str]]) -> None:
    assert blocks(read(HtmlLoader(), tmp_path, "a.html", source)) == expected


def test_the_title_counts_where_no_heading_is_the_main_one(tmp_path: Path) -> None:
    with_one = "<title>Site | Page</title><h1>Page</h1>x"
    without = "<title>Site | Page</title><h2>Part</h2>x"
    assert read(HtmlLoader(), tmp_path, "a.html", with_one).blocks[-1].heading_path == ("Page",)
    assert read(HtmlLoader(), tmp_path, "b.html", without).blocks[-1].heading_path == ("Site | Page", "Part")
