"""Files made to hang, crash or fill the machine: each is loaded or refused, soon, with a reason."""

import contextlib
import time
import tracemalloc
import zipfile
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest

from kb_server.core.errors import LoadError
from loaders import load

LAUGHS = "<!DOCTYPE x [<!ENTITY a '{}'>{}]>".format(
    "ha" * 50, "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
)
SECRET = "the secret on this machine"  # noqa: S105  (a sentence, no password)


def _load(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return load(path, name).text


def _edited(path: Path, member: str, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert old in members[member]
    members[member] = members[member].replace(old, new, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _office(folder: Path, kind: str) -> tuple[Path, str, bytes]:
    """Write a document with the word MARK in it; return it, the member that holds the word, and what encloses it."""
    path = folder / f"a.{kind}"
    if kind == "docx":
        document = docx.Document()
        document.add_paragraph("MARK")
        document.save(str(path))
        return path, "word/document.xml", b"<w:document"
    if kind == "pptx":
        deck = pptx.Presentation()
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "MARK"
        deck.save(str(path))
        return path, "ppt/slides/slide1.xml", b"<p:sld"
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "MARK"
    book.save(path)
    return path, "xl/worksheets/sheet1.xml", b"<worksheet"


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx"])
@pytest.mark.parametrize("attack", ["laughs", "external"])
def test_entities_in_office_files(tmp_path: Path, kind: str, attack: str) -> None:
    path, member, root = _office(tmp_path, kind)
    (tmp_path / "secret").write_text(SECRET, "utf-8")
    external = f"<!DOCTYPE x [<!ENTITY j SYSTEM 'file://{tmp_path / 'secret'}'>]>"
    _edited(path, member, root, (LAUGHS if attack == "laughs" else external).encode() + root)
    _edited(path, member, b"MARK", b"MARK &j;")
    started = time.monotonic()
    try:
        text = load(path, path.name).text
    except LoadError as error:
        text = str(error)
    assert SECRET not in text
    assert len(text) < 10_000
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["a.xml", "a.html", "a.svg", "a.xhtml"])
def test_entities_in_pages(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text(SECRET, "utf-8")
    external = f"<!ENTITY z SYSTEM 'file://{tmp_path / 'secret'}'>]>"
    content = f'<?xml version="1.0"?>{LAUGHS.replace("]>", external)}<html><p>words &j; &z;</p></html>'
    try:
        text = _load(tmp_path, name, content)
    except LoadError as error:
        text = str(error)
    assert SECRET not in text
    assert len(text) < 10_000


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx", "epub"])
def test_bombs_in_office_files(tmp_path: Path, kind: str) -> None:
    """A member that says it holds 3 GB is not unpacked."""
    path = tmp_path / f"a.{kind}"
    part = {"docx": "word/document.xml", "pptx": "ppt/presentation.xml", "xlsx": "xl/workbook.xml"}.get(kind, "x")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("META-INF/container.xml" if kind == "epub" else part, b" " * (1 << 20))
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[entry + 24 : entry + 28] = (3 << 30).to_bytes(4, "little")
    tracemalloc.start()
    with pytest.raises(LoadError, match=r"would unpack to 3.0 GB"):
        _load(tmp_path, path.name, bytes(data))
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_a_list_of_members_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(LoadError, match="too many files"):
        _load(tmp_path, "a.zip", bytes(data))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", "<div>" * 10_000 + "words"),
        ("a.html", "<table><tr><td>" * 500 + "words"),
        ("a.html", "<ul><li>" * 3_000 + "words"),
        ("a.md", "> " * 5_000 + "words"),
        ("a.md", "- " * 5_000 + "words"),
        ("a.org", "*" * 3_000 + " words"),
        ("a.rst", "- " * 500 + "words"),
        ("a.rtf", "{\\rtf1 " + "{" * 20_000 + "words"),
    ],
)
def test_what_nests_without_end(tmp_path: Path, name: str, content: str) -> None:
    started = time.monotonic()
    with contextlib.suppress(LoadError):
        assert "words" in _load(tmp_path, name, content)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("depth", [12, 60, 300])
def test_markdown_keeps_what_nests_deeply(tmp_path: Path, depth: int) -> None:
    text = _load(tmp_path, "a.md", "".join(f"{'  ' * level}- level{level}.\n" for level in range(depth)))
    assert all(f"level{level}." in text for level in range(depth))
    assert _load(tmp_path, "b.md", "> " * depth + "deep").endswith("deep")


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.py", "a.json", "a.xml", "a.srt", "a.eml"])
def test_one_line_of_3_mb(tmp_path: Path, name: str) -> None:
    line = "word " * 600_000
    wrapped = {
        "a.json": f'["{line}"]',
        "a.xml": f"<a>{line}</a>",
        "a.srt": f"1\n00:00:01,000 --> 00:00:02,000\n{line}\n",
        "a.eml": f"Subject: s\n\n{line}",
    }
    started = time.monotonic()
    assert len(_load(tmp_path, name, wrapped.get(name, line))) > 2_900_000
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.py", "a.json", "a.eml", "a.xml", "a.srt"])
def test_nuls_surrogates_and_controls_are_taken_out(tmp_path: Path, name: str) -> None:
    dirty = "good\x00 words \x07\x1b and \ufffe中文 more of them to be sure"
    wrapped = {
        "a.json": f'["{dirty}", "\\ud800 lone", "\\u0000nul"]',
        "a.xml": f"<a>{dirty}</a>",
        "a.srt": f"1\n00:00:01,000 --> 00:00:02,000\n{dirty}\n",
        "a.eml": f"Subject: s\n\n{dirty}",
    }
    text = _load(tmp_path, name, wrapped.get(name, dirty))
    assert "good words and 中文 more" in " ".join(text.split())
    assert not any(
        (character < " " and character not in "\n\t") or "\ud800" <= character <= "\udfff" for character in text
    )


@pytest.mark.parametrize("cut", [30, 200, 1000, 5000])
@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx"])
def test_files_that_break_off(tmp_path: Path, kind: str, cut: int) -> None:
    path, _, _ = _office(tmp_path, kind)
    with pytest.raises(LoadError, match=r"damaged|is empty"):
        _load(tmp_path, path.name, path.read_bytes()[:-cut])


def test_a_page_full_of_scripts(tmp_path: Path) -> None:
    page = "<p>before</p><script>alert(1)</script><p onclick='x()'>after <img src=x onerror=y()></p><style>p{}</style>"
    assert _load(tmp_path, "a.html", page) == "before\n\nafter"


@pytest.mark.parametrize("old", [b'<w:gridSpan w:val="2"/>', b'<w:ilvl w:val="1"/>'])
def test_numbers_that_would_fill_the_memory(tmp_path: Path, old: bytes) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    table = document.add_table(2, 3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    item = document.add_paragraph("item")
    item._p.get_or_add_pPr().get_or_add_numPr().get_or_add_ilvl().val = 1
    item._p.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val = 1
    document.save(str(path))
    _edited(path, "word/document.xml", old, old[: old.index(b'"') + 1] + b'999999999"/>')
    assert load(path, "a.docx").text.split() == ["wide", "item"]
