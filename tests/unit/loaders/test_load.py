"""`load`: the kind of a file is found, and what cannot be read says why."""

import os
import sys
import zipfile
from pathlib import Path

import pytest

import loaders.source
from kb_server.core.errors import LoadError, MissingExtra
from loaders import load
from loaders.formats import FORMATS, Kind


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _text(path: Path) -> str:
    return load(path, path.name).text


def test_the_name_given_counts_not_the_stored_one(tmp_path: Path) -> None:
    document = load(_file(tmp_path, "0a1b2c", b"# T"), "folder/notes.md")
    assert (document.name, document.text) == ("folder/notes.md", "T")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "is empty"),
        ("a.md", b" \n\t\r\n", "is empty"),
        ("a.html", b"<html><script>x</script>", "holds no text"),
        ("a.xyz", b"hello", "'.xyz', which is not supported. Supported are PDF"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", "a damaged picture"),
        ("a.png", b"plain words", "is named .png"),
        ("a.gif", b"GIF89a\0", "a GIF picture"),
        ("a.heic", b"\0\0\0\x18ftypheic", "a HEIC picture"),
        ("a.xls", b"plain \xff\xfe\0\0\x01\x02\x03", "not text"),
        ("a.srt", b"plain words", "no subtitles"),
        ("a.mht", b"MIME-Version: 1.0\r\n\r\nwords", "no web page"),
        ("a.eml", b"plain words", "no mail"),
        ("a.pdf", b"plain words", "is named .pdf"),
        ("a.pdf", b"%PDF-1.4 and then nothing", "damaged PDF"),
        ("a.docx", b"PK\x03\x04 broken", "damaged"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 Word", "damaged"),
        ("a.txt", bytes(range(256)) * 4, "not text"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(LoadError) as caught:
        _text(_file(tmp_path, name, content))
    assert reason in str(caught.value)
    assert f"'{name}'" in str(caught.value)


def test_an_archive_is_no_document(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "words")
    with pytest.raises(LoadError, match=r"'a\.zip' is an archive; .* Unpack it first"):
        _text(tmp_path / "a.zip")


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="does not exist"):
        _text(tmp_path / "none.txt")
    with pytest.raises(LoadError, match="is a folder"):
        _text(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.txt", b"x")
    path.chmod(0)
    with pytest.raises(LoadError, match="may not be read"):
        _text(path)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders.source, "MAX_BYTES", 3)
    with pytest.raises(LoadError, match="the limit is"):
        _text(_file(tmp_path, "a.txt", b"four"))


_PACKAGES = {
    Kind.PDF: "pypdfium2",
    Kind.DOCX: "docx",
    Kind.PPTX: "pptx",
    Kind.XLSX: "openpyxl",
    Kind.XLS: "xlrd",
    Kind.ODT: "pypandoc",
    Kind.ODS: "lxml",
    Kind.ODP: "lxml",
    Kind.RTF: "pypandoc",
    Kind.RST: "pypandoc",
    Kind.ORG: "pypandoc",
    Kind.OUTLOOK: "oxmsg",
    Kind.PICTURE: "rapidocr",
}


def test_every_kind_that_needs_an_extra_is_tested() -> None:
    assert {kind for kind, form in FORMATS.items() if form.extra} == set(_PACKAGES)


@pytest.mark.parametrize(("kind", "package"), _PACKAGES.items())
def test_a_missing_extra_names_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, package: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("loaders.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("loaders.detect", lambda *_: kind)
    with pytest.raises(MissingExtra) as caught:
        _text(_file(tmp_path, "a", b"x"))
    assert caught.value.hint == f"pip install 'kb-server[{FORMATS[kind].extra}]'"
