"""Word documents from before 2007, written byte by byte as [MS-DOC] says."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.legacy_office.doc import DocLoader
from loaders.office.locked import Locked, unlocked
from tests.paths import DATA
from tests.unit.loaders.legacy_office.compound import write_compound

_IN_TABLE = struct.pack("<HB", 0x2416, 1)  # sprmPFInTable
_ROW_END = _IN_TABLE + struct.pack("<HB", 0x2417, 1)  # sprmPFTtp
_TABLE_SHAPE = struct.pack("<HH", 0xD608, 5) + b"\x02\0\0\0"  # sprmTDefTable: its size is one more than what follows
_NORMAL, _HEADING, _TITLE = 0, 1, 2  # indices in the style sheet below
_BUILT_IN = (0, 2, 62)  # sti: Normal, heading 2, Title
_TEXT_AT = 0x400


@dataclass(frozen=True)
class _Part:
    text: str
    style: int = _NORMAL
    properties: bytes = b""


def _page(parts: Sequence[_Part], width: int) -> bytes:
    """Make a PapxFkp, the page that says where paragraphs lie and what each of them is."""
    ends = [_TEXT_AT]
    for part in parts:
        ends.append(ends[-1] + width * len(part.text))
    page = bytearray(512)
    struct.pack_into(f"<{len(ends)}I", page, 0, *ends)
    at = 510
    for index, part in enumerate(parts):
        found = struct.pack("<H", part.style) + part.properties
        found += b"\0" * (1 - len(found) % 2)  # of a size like 2 cb - 1
        at -= len(found) + 1 + (len(found) + 1) % 2
        page[at : at + 1 + len(found)] = bytes([(len(found) + 1) // 2]) + found
        page[4 * len(ends) + 13 * index] = at // 2
    page[511] = len(parts)
    return bytes(page)


def _write(
    path: Path, parts: Sequence[_Part], *, wide: bool = True, others: Sequence[int] = (), flags: int = 0
) -> None:
    """Write a document of one piece; `others` are the lengths of notes, headers and so on, which end the text."""
    width = 2 if wide else 1
    text = "".join(part.text for part in parts)
    raw = text.encode("utf-16-le" if wide else "cp1252")
    padded = raw.ljust(-(-len(raw) // 512) * 512, b"\0")
    styles = struct.pack("<H", 4) + b"\3\0\0\0" + b"".join(struct.pack("<HH8x", 10, sti) for sti in _BUILT_IN)
    place = _TEXT_AT if wide else (2 * _TEXT_AT) | 1 << 30
    pieces = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, place, 0)
    clx = b"\x01" + struct.pack("<H", 2) + b"\0\0" + b"\x02" + struct.pack("<I", len(pieces)) + pieces
    pages = struct.pack("<III", _TEXT_AT, _TEXT_AT + len(raw), (_TEXT_AT + len(padded)) // 512)
    table = styles + clx + pages
    head = bytearray(_TEXT_AT)
    struct.pack_into("<HH", head, 0, 0xA5EC, 0x00C1)
    struct.pack_into("<H", head, 0x0A, 0x0200 | flags)
    struct.pack_into("<7i", head, 0x4C, len(text) - sum(others), *others, *[0] * (6 - len(others)))
    struct.pack_into("<II", head, 0xA2, 0, len(styles))
    struct.pack_into("<II", head, 0x102, len(styles) + len(clx), len(pages))
    struct.pack_into("<II", head, 0x1A2, len(styles), len(clx))
    write_compound(path, {"WordDocument": bytes(head) + padded + _page(parts, width), "1Table": table})


def _read(folder: Path, parts: Sequence[_Part], *, wide: bool = True, others: Sequence[int] = ()) -> Document:
    _write(folder / "a.doc", parts, wide=wide, others=others)
    return DocLoader().load(folder / "a.doc", "a.doc")


def test_titles_headings_and_text_by_the_styles_of_paragraphs(tmp_path: Path) -> None:
    parts = [_Part("The Report\r", _TITLE), _Part("结果\r", _HEADING), _Part("First.\r"), _Part("Two\x0blines.\r")]
    document = _read(tmp_path, parts)
    assert document.text.split("\n\n") == ["The Report", "结果", "First.", "Two\nlines."]
    assert document.blocks[-1].heading_path == ("The Report", "结果")


def test_letters_of_one_byte_are_those_of_windows(tmp_path: Path) -> None:
    parts = [_Part("Heading\r", _HEADING), _Part("“Café” – 3 €\r")]
    document = _read(tmp_path, parts, wide=False)
    assert document.text == "Heading\n\n“Café” – 3 €"
    assert document.blocks[1].heading_path == ("Heading",)


def test_cells_end_with_a_mark_and_rows_with_another(tmp_path: Path) -> None:
    def row(*cells: str) -> list[_Part]:
        return [
            *(_Part(cell, properties=_IN_TABLE) for cell in cells),
            _Part("\x07", properties=_TABLE_SHAPE + _ROW_END),
        ]

    parts = [
        _Part("Before.\r"),
        *row("Name\x07", "Size\x07", "Note\x07"),
        *row("oak\x07", "20\x07", "two\r", "lines\x07"),
        _Part("After.\r"),
    ]
    expected = ["Before.", "Name: oak; Size: 20; Note: two lines", "After."]
    assert _read(tmp_path, parts).text.split("\n\n") == expected


def test_a_field_shows_its_result_and_marks_of_the_page_are_gone(tmp_path: Path) -> None:
    nested = "See \x13 REF \x13 PAGE \x14 7 \x15 \\h \x14 chapter 2\x15 of non\x1ebreaking soft\x1fened.\r"
    assert _read(tmp_path, [_Part(nested)]).text == "See  chapter 2 of non-breaking softened.".replace("  ", " ")


def test_notes_and_headers_follow_once_each(tmp_path: Path) -> None:
    notes, headers = "The note.\r", "Acme Ltd\rAcme Ltd\r"
    parts = [_Part("T\r", _TITLE), _Part("Claim.\r"), _Part(notes), _Part("Acme Ltd\r"), _Part("Acme Ltd\r")]
    document = _read(tmp_path, parts, others=[len(notes), len(headers)])
    assert document.text.split("\n\n") == ["T", "Claim.", "The note.", "Acme Ltd"]
    assert [block.heading_path for block in document.blocks[2:]] == [(), ()]


def test_a_document_that_libreoffice_wrote() -> None:
    with unlocked(DATA / "locked.doc", "a.doc", ["open sesame"]) as plain:
        assert "保险库九点开门" in DocLoader().load(plain, "a.doc").text


def test_an_encrypted_one_asks_for_a_password(tmp_path: Path) -> None:
    _write(tmp_path / "a.doc", [_Part("x\r")], flags=0x0100)
    with pytest.raises(Locked):
        DocLoader().load(tmp_path / "a.doc", "a.doc")


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, b"\xdb\xa5", "no Word document of 97 or later"),  # Word 6 and 95
        (2, b"\x65\x00", "no Word document of 97 or later"),
        (0x1A2, b"\xff\xff\xff\x7f", "damaged"),
        (0x102, b"\xff\xff\xff\x0f", "damaged"),
        (0x4C, b"\xff\xff\xff\x7f", ""),  # more characters than there are
    ],
)
def test_what_contradicts_itself(tmp_path: Path, at: int, value: bytes, reason: str) -> None:
    _write(tmp_path / "a.doc", [_Part("words\r")])
    content = (tmp_path / "a.doc").read_bytes()
    start = content.index(b"\xec\xa5\xc1\x00")
    (tmp_path / "a.doc").write_bytes(content[: start + at] + value + content[start + at + len(value) :])
    if reason:
        with pytest.raises(LoadError, match=reason):
            DocLoader().load(tmp_path / "a.doc", "a.doc")
    else:
        assert DocLoader().load(tmp_path / "a.doc", "a.doc").text == "words"
