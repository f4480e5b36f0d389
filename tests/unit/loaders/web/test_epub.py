"""E-books: chapters in the order of the book."""

import zipfile
from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.web.epub import EpubLoader


def _epub(path: Path, chapters: dict[str, str], package: str = "") -> None:
    items = "".join(f'<item id="{name}" href="t/{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    order = "".join(f'<itemref idref="{name}"/>' for name in sorted(chapters, reverse=True))
    container = '<container><rootfiles><rootfile full-path="OEBPS/b.opf"/></rootfiles></container>'
    opf = '<package xmlns="http://www.idpf.org/2007/opf"><manifest>{}</manifest><spine>{}</spine></package>'
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", container)
        book.writestr("OEBPS/b.opf", package or opf.format(items, order))
        for name, text in chapters.items():
            book.writestr(f"OEBPS/t/{name}", f"<html><head><title>Book</title></head><body>{text}</body></html>")


def test_chapters_come_in_the_order_of_the_book(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    _epub(path, {"2.xhtml": "<h1>开篇</h1><p>First words.</p>", "1.xhtml": "<h1>Next</h1><p>More.</p>"})
    document = EpubLoader().load(path, "a.epub")
    assert document.text == "开篇\n\nFirst words.\n\nNext\n\nMore."
    assert [block.page for block in document.blocks] == [1, 1, 2, 2]


def test_a_book_without_its_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    _epub(path, {}, package="<package/>")
    assert EpubLoader().load(path, "a.epub").blocks == ()
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("META-INF/container.xml", "<container/>")
    with pytest.raises(LoadError, match="damaged or copy-protected"):
        EpubLoader().load(path, "a.epub")


def test_what_is_not_in_the_order_is_not_read(tmp_path: Path) -> None:
    """The table of contents, pictures, and references to files that are not there are passed over."""
    path = tmp_path / "a.epub"
    items = (
        '<item id="n" href="t/n.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="c" href="t/../t/c%20d.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="p" href="p.png" media-type="image/png"/>'
        '<item id="x" href="gone.xhtml" media-type="application/xhtml+xml"/>'
    )
    order = "".join(f'<itemref idref="{name}"/>' for name in ("n", "p", "x", "c", "none such"))
    chapters = {"n.xhtml": "<p>Contents</p>", "c d.xhtml": "<p>The chapter.</p>", "e.xhtml": "<p>Unlisted.</p>"}
    _epub(path, chapters, package=f"<package><manifest>{items}</manifest><spine>{order}</spine></package>")
    document = EpubLoader().load(path, "a.epub")
    assert (document.text, document.pages) == ("The chapter.", 1)


def test_a_chapter_that_is_enciphered(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    _epub(path, {"1.xhtml": "<p>x</p>"})
    with zipfile.ZipFile(path) as book:
        members = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, content in members.items():
            book.writestr(name, bytes(range(256)) * 4 if name.endswith(".xhtml") else content)
    with pytest.raises(LoadError, match=r"'a\.epub' is a damaged or copy-protected e-book"):
        EpubLoader().load(path, "a.epub")
