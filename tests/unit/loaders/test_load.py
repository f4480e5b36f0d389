"""`load`: the kind of a file is found, and what cannot be read says why."""

import contextlib
import os
import sys
import time
import zipfile
from pathlib import Path

import pytest

import loaders.source
from kb_server.errors import LoadError, MissingExtra
from loaders import SUFFIXES, load

DOCUMENTS = Path(__file__).resolve().parents[4] / "shared" / "data" / "documents"


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _text(path: Path) -> str:
    return load(path, path.name).text


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.txt", b"hello", "hello"),
        ("README", b"hello", "hello"),
        ("a.LOG", b"one\ntwo", "one\ntwo"),
        ("a.txt", b"<!DOCTYPE html><p>hello", "hello"),
        ("a.md", b"# T\n\n<div>x</div>", "T\n\nx"),
        ("a.csv", b"a,b\n1,2\n", "a: 1; b: 2"),
        ("a.tsv", b"a\tb\n1\t2\n", "a: 1; b: 2"),
    ],
)
def test_content_decides_then_the_name(tmp_path: Path, name: str, content: bytes, text: str) -> None:
    assert _text(_file(tmp_path, name, content)) == text


def test_the_name_given_counts_not_the_stored_one(tmp_path: Path) -> None:
    document = load(_file(tmp_path, "0a1b2c", b"# T"), "folder/notes.md")
    assert (document.name, document.text) == ("folder/notes.md", "T")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "is empty"),
        ("a.md", b" \n\t\r\n", "is empty"),
        ("a.html", b"<html><script>x</script>", "holds no text"),
        ("a.xyz", b"hello", "'.xyz', which is not supported. Supported are .csv"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        ("a.rtf", b"{\\rtf1 x}", "an RTF document"),
        ("a.pdf", b"plain words", "is named .pdf"),
        ("a.pdf", b"%PDF-1.4 and then nothing", "damaged PDF"),
        ("a.docx", b"PK\x03\x04 broken", "damaged"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 Word", "before 2007"),
        ("a.txt", bytes(range(256)) * 4, "not text"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(LoadError) as caught:
        _text(_file(tmp_path, name, content))
    assert reason in str(caught.value)
    assert f"'{name}'" in str(caught.value)


def test_zip_files_that_are_no_word_document(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(LoadError, match="Excel"):
        _text(path)


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


@pytest.mark.parametrize(("package", "module", "extra"), [("docx", "docx", "docx"), ("pypdfium2", "pdf", "pdf")])
def test_a_missing_extra_names_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, module: str, extra: str
) -> None:
    monkeypatch.delitem(sys.modules, f"loaders.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / "a"
    path.write_bytes(b"%PDF-1.4")
    if extra == "docx":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(MissingExtra) as caught:
        _text(path)
    assert caught.value.hint == f"pip install 'kb-server[{extra}]'"


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the shared sample documents are not here")
def test_every_sample_loads_or_says_why() -> None:
    for path in sorted(path for path in DOCUMENTS.rglob("*") if path.suffix in SUFFIXES):
        started = time.monotonic()
        with contextlib.suppress(LoadError):  # anything else would fail here
            assert load(path, path.name).text
        assert time.monotonic() - started < 20, path.name
