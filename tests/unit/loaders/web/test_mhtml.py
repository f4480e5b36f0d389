"""Web pages saved as one file."""

from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.web.mhtml import MhtmlLoader
from tests.unit.loaders.reading import blocks, read

_HEAD = (
    "From: <Saved by Blink>\nSnapshot-Content-Location: https://x.org/\nMIME-Version: 1.0\n"
    "Content-Type: multipart/related; boundary=f\n\n"
)


def _part(kind: str, content: str, more: str = "") -> str:
    return f"--f\nContent-Type: {kind}\n{more}\n{content}\n"


def test_the_first_page_is_read_and_its_frames_are_not(tmp_path: Path) -> None:
    quoted = "Content-Transfer-Encoding: quoted-printable\n"
    content = (
        _HEAD
        + _part("text/css; charset=utf-8", "p { color: red }")
        + _part("text/html; charset=utf-8", "<h1>Caf=C3=A9</h1><p>Open da=\nily.</p>", quoted)
        + _part("text/html; charset=utf-8", "<p>An advertisement.</p>")
        + "--f--\n"
    )
    found = blocks(read(MhtmlLoader(), tmp_path, "a.mhtml", content))
    assert found == [("heading", "Café"), ("paragraph", "Open daily.")]


def test_the_charset_of_the_part_counts(tmp_path: Path) -> None:
    content = (_HEAD + _part("text/html; charset=gb2312", "<p>港口每天开放。</p>") + "--f--\n").encode("gb2312")
    assert blocks(read(MhtmlLoader(), tmp_path, "a.mht", content)) == [("paragraph", "港口每天开放。")]


def test_a_file_without_a_page(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"'a\.mht' holds no web page\. Save the page again"):
        read(MhtmlLoader(), tmp_path, "a.mht", "MIME-Version: 1.0\r\n\r\nwords")
