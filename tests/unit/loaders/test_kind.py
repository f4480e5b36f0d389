"""The kind of a file: what it holds decides, then its name."""

import zipfile
from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.formats import Kind
from loaders.kind import detect

_MAIL = b"Subject: x\nMessage-ID: <1@x.org>\nFrom: a@x.org\n\nwords"


def _detected(folder: Path, name: str, content: bytes) -> Kind:
    path = folder / "0a1b2c"
    path.write_bytes(content)
    return detect(path, name)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.txt", b"%PDF-1.7\n", Kind.PDF),
        ("a.pdf", b"HTTP/1.1 200 OK\n\n%PDF-1.7\n", Kind.PDF),
        ("a.txt", b"\xef\xbb\xbf\n%PDF-1.7\n", Kind.PDF),
        ("a.doc", b"{\\rtf1 words}", Kind.RTF),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0", Kind.PICTURE),
        ("a.png", b"RIFF\x10\0\0\0WEBPVP8 ", Kind.PICTURE),
        ("a.txt", b"<!DOCTYPE html><p>hello", Kind.HTML),
        ("a.txt", b"\n<!-- saved -->\n<HTML lang=en>", Kind.HTML),
        ("a.txt", "<!DOCTYPE html><p>中文".encode("utf-16"), Kind.HTML),
        ("a.xhtml", b'<?xml version="1.0"?><html>', Kind.HTML),
        ("a.svg", b'<?xml version="1.0"?><svg>', Kind.XML),
        ("a.txt", b"the tag <html> opens a page", Kind.TEXT),
        ("a.md", b"<html> is a tag", Kind.MARKDOWN),
        ("a.py", b"# <html>", Kind.CODE),
        ("a.txt", _MAIL, Kind.MAIL),
        ("a.md", _MAIL, Kind.MARKDOWN),
        ("a.txt", b"Subject: x\nTo: everyone who reads\n\nwords", Kind.TEXT),
        ("a.txt", b"Dear all,\n\nMessage-ID: <1@x.org>\n", Kind.TEXT),
        ("a.eml", b"words", Kind.MAIL),
        ("a.mht", b"words", Kind.MHTML),
        ("a.eml", b"Snapshot-Content-Location: https://x.org/\nMIME-Version: 1.0\n\nx", Kind.MHTML),
        ("a.json", b'{"cells": [], "nbformat": 4}', Kind.NOTEBOOK),
        ("a.json", b'{"cells": []}', Kind.JSON),
        ("a.xls", "姓名\t部门\n".encode("gbk"), Kind.CSV),
        ("a.CSV", b"a,b\n", Kind.CSV),
        ("README", b"hello", Kind.TEXT),
        ("notes.txt", b"BM is the name of a museum", Kind.TEXT),
        ("notes.txt", b"MZ and RIFF are words too", Kind.TEXT),
    ],
)
def test_content_decides_then_the_name(tmp_path: Path, name: str, content: bytes, kind: Kind) -> None:
    assert _detected(tmp_path, name, content) is kind


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b" \n\t\r\n", "is empty"),
        ("a.txt", b"\0\0\0", "is empty"),
        ("a.xyz", b"hello", r"of kind '\.xyz', which is not supported\. Supported are PDF"),
        ("a.png", b"plain words", r"named \.png, but its content is not PICTURE"),
        ("a.docx", b"plain words", r"named \.docx, but its content is not DOCX"),
        ("a.gif", b"GIF89a\0", "a GIF picture"),
        ("a.jpg", b"\0\0\0\x18ftypheic", r"a HEIC picture.*Save it as JPEG"),
        ("a.txt", b"\x1f\x8b\x08\0", "a gzip archive"),
        ("a.wav", b"RIFF\x10\0\0\0WAVEfmt ", "a sound or film"),
        ("a.exe", b"MZ\x90\0", "a program"),
        ("a.db", b"SQLite format 3\0", "a SQLite database"),
    ],
)
def test_what_is_not_supported_is_called_by_its_name(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(LoadError, match=reason) as caught:
        _detected(tmp_path, name, content)
    assert f"'{name}'" in str(caught.value)


def _zip(folder: Path, members: dict[str, str]) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"[Content_Types].xml": "", "word/document.xml": ""}, Kind.DOCX),
        ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, Kind.XLSX),
        ({"[Content_Types].xml": "", "ppt/presentation.xml": ""}, Kind.PPTX),
        ({"META-INF/container.xml": "", "mimetype": "application/epub+zip"}, Kind.EPUB),
        ({"mimetype": "application/vnd.oasis.opendocument.text"}, Kind.ODT),
        ({"mimetype": "application/vnd.oasis.opendocument.text-template"}, Kind.ODT),
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, Kind.ODS),
        ({"mimetype": "application/vnd.oasis.opendocument.presentation-template"}, Kind.ODP),
        ({"word/letter.txt": "a folder of somebody's letters"}, Kind.ZIP),
        ({"a.txt": "words"}, Kind.ZIP),
    ],
)
def test_what_a_zip_file_is_its_members_say(tmp_path: Path, members: dict[str, str], kind: Kind) -> None:
    assert detect(_zip(tmp_path, members), "a.docx") is kind


@pytest.mark.parametrize(
    ("member", "content", "reason"),
    [
        ("xl/workbook.bin", "x", "binary Excel"),
        ("mimetype", "application/vnd.oasis.opendocument.graphics", "OpenDocument graphics.* Save it as PDF"),
        ("Index/Document.iwa", "x", "Apple's Pages.* Export it as Word"),
    ],
)
def test_zip_files_of_offices_that_are_not_supported(tmp_path: Path, member: str, content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        detect(_zip(tmp_path, {member: content}), "a.docx")
