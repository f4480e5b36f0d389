"""Kinds that go through pandoc."""

import importlib
import socket
import zipfile
from pathlib import Path

import pypandoc
import pytest

from kb_server.core.errors import LoadError
from loaders import load


def _load(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load(path, name).text


def test_rst_and_what_it_includes(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("must not be read", "utf-8")
    text = _load(tmp_path, "a.rst", f"标题\n====\n\nWords.\n\n.. include:: {secret}\n\n.. code::\n\n   x = 1\n")
    assert text == "标题\n\nWords.\n\nx = 1"


def test_org_and_what_it_includes(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("must not be read", "utf-8")
    org = f'* Top\n** Below\n| a | b |\n|---+---|\n| 1 | 2 |\n#+INCLUDE: "{secret}"\n'
    assert _load(tmp_path, "a.org", org) == "Top\n\nBelow\n\na: 1; b: 2"


def test_odt_keeps_headings_tables_and_notes(tmp_path: Path) -> None:
    path = tmp_path / "a.odt"
    markdown = "# 第一章\n\nWords.[^1]\n\n| Name | Size |\n|------|------|\n| Desk | L |\n\n[^1]: The note.\n"
    pypandoc.convert_text(markdown, "odt", format="markdown", outputfile=str(path))
    document = load(path, "a.odt")
    assert "Name: Desk; Size: L" in document.text
    assert "The note." in document.text
    assert document.blocks[-1].heading_path[0] == "第一章"


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg936 \'c4\'e3\'ba\'c3\'a1\'a3 hello\par}", "你好。 hello"),
        (rb"{\rtf1\ansi\ansicpg936\uc2 \u20320\'c4\'e3\u22909\'ba\'c3\par}", "你好"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2\par}", "Привет"),
        (rb"{\rtf1\ansi\ansicpg1252 caf\'e9\par}", "café"),
    ],
)
def test_rtf_in_the_code_page_of_a_country(tmp_path: Path, rtf: bytes, text: str) -> None:
    assert _load(tmp_path, "a.rtf", rtf) == text


def test_an_odt_with_a_password_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.odt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", b"\x8f\x02 enciphered")
        archive.writestr("META-INF/manifest.xml", "<manifest:file-entry><manifest:encryption-data/>")
    with pytest.raises(LoadError, match=r"protected by a password\. Save it without one"):
        load(path, "a.odt")


@pytest.mark.parametrize(("name", "content"), [("a.rtf", b"{\\rtf1 \\'"), ("a.odt", b"PK\x03\x04")])
def test_damaged_files_say_so(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(LoadError, match=r"damaged|no text"):
        _load(tmp_path, name, content)


def test_pandoc_is_stopped_when_it_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("loaders.plain.pandoc")  # as the loaders find it
    monkeypatch.setattr(module, "_SECONDS", 0.001)
    with pytest.raises(LoadError, match="took longer"):
        _load(tmp_path, "a.rst", "Words.")


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """A server that would be asked for the picture or the included page is not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        _load(
            tmp_path,
            "a.rst",
            f"Words.\n\n.. image:: {address}\n\n.. include:: {address}\n\n.. raw:: html\n   :url: {address}\n",
        )
        with pytest.raises(TimeoutError):
            server.accept()
