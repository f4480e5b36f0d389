"""Workbooks from before 2007, written record by record as [MS-XLS] says."""

import struct
from pathlib import Path

import pytest

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.legacy_office.xls import XlsLoader
from loaders.office.locked import Locked, unlocked
from tests.paths import DATA

_PLAIN, _BOLD, _PERCENT, _DATE = range(15, 19)  # formats of cells; the fifteen before them are styles


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _string(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def _start(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1997, 0, 6))


def _font(weight: int) -> bytes:
    return _record(0x31, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, weight, 0, 0, 0, 0, 0) + b"\x05\x00Arial")


def _format(font: int, number_format: int) -> bytes:
    return _record(0xE0, struct.pack("<HHH14x", font, number_format, 1))


_OWN = {'0.0"%"': 164, "000000": 165, '0"万元"': 166, "[h]:mm": 167, "# ?/?": 168, "yyyy-mm": 169}
_CODES = b"".join(_record(0x41E, struct.pack("<H", index) + _string(code)) for code, index in _OWN.items())
_STYLES = _font(400) + _font(700) + _CODES + 16 * _format(0, 0) + _format(1, 0) + _format(0, 9) + _format(0, 14)
_STYLES += b"".join(_format(0, index) for index in [*_OWN.values(), 31, 57, 32])
_END = _record(0x0A)


def _cell(row: int, column: int, value: object, form: int = _PLAIN) -> bytes:
    place = struct.pack("<HHH", row, column, form)
    match value:
        case bool():
            return _record(0x205, place + bytes([value, 0]))
        case bytes():  # an error's code
            return _record(0x205, place + value + b"\1")
        case float() | int():
            return _record(0x203, place + struct.pack("<d", value))
    return _record(0x204, place + _string(str(value)))


def _load(folder: Path, sheets: dict[str, bytes], date_1904: bytes = b"\0\0") -> Document:
    """Write a workbook without the compound file around it, which readers take as well."""
    bodies = [
        _start(0x10) + _record(0x200, struct.pack("<IIHHH", 0, 99, 0, 20, 0)) + cells + _END
        for cells in sheets.values()
    ]
    names = [struct.pack("<BB", len(name), 1) + name.encode("utf-16-le") for name in sheets]
    head = _start(5) + _record(0x22, date_1904) + _STYLES
    at = len(head) + sum(10 + len(name) for name in names) + len(_END)
    for name, body in zip(names, bodies, strict=True):
        head += _record(0x85, struct.pack("<IBB", at, 0, 0) + name)
        at += len(body)
    (folder / "a.xls").write_bytes(head + _END + b"".join(bodies))
    return XlsLoader().load(folder / "a.xls", "a.xls")


def test_sheets_are_pages_and_tables_have_their_headings(tmp_path: Path) -> None:
    first = (
        _cell(0, 0, "Item")
        + _cell(0, 1, "Price")
        + _cell(1, 0, "Desk")
        + _cell(1, 1, 120)
        + _cell(2, 0, "Lamp")
        + _cell(2, 1, 80.5)
    )
    document = _load(tmp_path, {"Prices": first, "备注": _cell(4, 2, "一句话")})
    assert [(document.text[b.start : b.end], b.page) for b in document.blocks] == [
        ("Prices", 1),
        ("Item: Desk; Price: 120\nItem: Lamp; Price: 80.5", 1),
        ("备注", 2),
        ("一句话", 2),
    ]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.125, _PERCENT, "12.5%"),
        (45322.0, _DATE, "2024-01-31"),
        (45322.354166666664, _DATE, "2024-01-31 08:30:00"),
        (1e12, _DATE, "1000000000000"),  # after the last day there is: a number
        (True, _PLAIN, "TRUE"),
        (b"\x07", _PLAIN, "#DIV/0!"),
        (b"\x2a", _PLAIN, "#N/A"),
        (3.0, _PLAIN, "3"),
    ],
)
def test_values_as_people_read_them(tmp_path: Path, value: object, form: int, text: str) -> None:
    assert _load(tmp_path, {"S": _cell(0, 0, value, form)}).text == f"S\n\n{text}"


def test_workbooks_of_the_macintosh_count_days_from_1904(tmp_path: Path) -> None:
    assert _load(tmp_path, {"S": _cell(0, 0, 1.0, _DATE)}, date_1904=b"\1\0").text == "S\n\n1904-01-02"


def test_bold_rows_are_headings_and_merged_cells_count_in_each_row(tmp_path: Path) -> None:
    cells = [["Region", "2023", ""], ["", "Q1", "Q2"], ["North", "good", "bad"], ["", "fair", "poor"]]
    written = b""
    for r, row in enumerate(cells):
        form = _BOLD if r < 2 else _PLAIN
        written += b"".join(_cell(r, c, text, form) for c, text in enumerate(row) if text)
    areas = [(0, 1, 0, 0), (0, 0, 1, 2), (2, 3, 0, 0)]
    merged = _record(0xE5, struct.pack("<H", 3) + b"".join(struct.pack("<HHHH", *area) for area in areas))
    rows = "Region: North; 2023 / Q1: good; 2023 / Q2: bad\nRegion: North; 2023 / Q1: fair; 2023 / Q2: poor"
    assert _load(tmp_path, {"S": written + merged}).text == f"S\n\n{rows}"


def test_a_workbook_that_libreoffice_wrote() -> None:
    with pytest.raises(Locked):
        XlsLoader().load(DATA / "locked.xls", "a.xls")
    with unlocked(DATA / "locked.xls", "a.xls", ["open sesame"]) as plain:
        assert "North" in XlsLoader().load(plain, "a.xls").text


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (19, 98.5, "98.5%"),
        (20, 1234, "001234"),
        (21, 350, "350万元"),
        (22, 26.5 / 24, "26:30"),
        (23, 2.25, "2 1/4"),
        (24, 45352, "2024-03"),
        (25, 45357, "2024-03-06"),
        (26, 45352, "2024-03"),
        (27, 0.75, "18:00:00"),
        (17, 0.15, "15%"),
    ],
)
def test_number_formats_are_those_of_newer_workbooks(tmp_path: Path, form: int, value: float, text: str) -> None:
    cells = _cell(0, 0, "Name") + _cell(0, 1, "Value") + _cell(1, 0, "a") + _cell(1, 1, value, form)
    assert _load(tmp_path, {"S": cells}).text.endswith(text)


@pytest.mark.parametrize("content", [b"", b"\x09\x08", b"\x09\x08\x10\x00\x00\x06\x05\x00" + b"\xff" * 40])
def test_what_breaks_off_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xls").write_bytes(content)
    with pytest.raises(LoadError, match=r"'a\.xls' is a damaged Office document"):
        XlsLoader().load(tmp_path / "a.xls", "a.xls")
