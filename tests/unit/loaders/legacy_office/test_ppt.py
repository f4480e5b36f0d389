"""Presentations from before 2007, written byte by byte as [MS-PPT] says."""

import struct
from pathlib import Path

import pytest

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.legacy_office.ppt import PptLoader
from loaders.office.locked import Locked
from tests.unit.loaders.legacy_office.compound import write_compound

_TITLE, _BODY, _NOTES_TEXT = 0, 1, 2
_PLAIN, _ENCRYPTED = 0xE391C05F, 0xF3D1C4DF


def _atom(kind: int, data: bytes, instance: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4, kind, len(data)) + data


def _container(kind: int, *children: bytes, instance: int = 0) -> bytes:
    data = b"".join(children)
    return struct.pack("<HHI", instance << 4 | 0xF, kind, len(data)) + data


def _text(text: str, kind: int) -> bytes:
    """Write a TextHeaderAtom, and the characters as bytes where they fit, else as UTF-16."""
    characters = _atom(0x0FA8, text.encode("latin-1")) if text.isascii() else _atom(0x0FA0, text.encode("utf-16-le"))
    return _atom(0x0F9F, struct.pack("<I", kind)) + characters


def _box(*content: bytes) -> bytes:
    return _container(0xF004, _container(0xF00D, *content))


def _sheet(kind: int, *boxes: bytes, notes: int = 0) -> bytes:
    """Write a slide (0x03EE) or notes (0x03F0): an atom, and a drawing with shapes in groups."""
    atom = _atom(0x03EF, bytes(12) + struct.pack("<II", 0, notes) + bytes(4))
    return _container(kind, atom, _container(0x040C, _container(0xF002, _container(0xF003, *boxes))))


def _persist(reference: int, number: int) -> bytes:
    return _atom(0x03F3, struct.pack("<IIIII", reference, 0, 0, number, 0))


class _Saved:
    """The stream as PowerPoint saves it: objects, then a directory and an edit for each time it was saved."""

    def __init__(self) -> None:
        self.stream = b"\0" * 8  # an offset of 0 would mean that there is no edit
        self._edit = 0

    def save(self, objects: dict[int, bytes]) -> None:
        directory = b""
        for number, content in objects.items():
            directory += struct.pack("<II", number | 1 << 20, len(self.stream))
            self.stream += content
        place = len(self.stream)
        self.stream += _atom(0x1772, directory)
        edit = struct.pack("<IHBBIIIIHH", 0, 0, 0, 3, self._edit, place, 1, 9, 0, 0)
        self._edit = len(self.stream)
        self.stream += _atom(0x0FF5, edit)

    def load(self, folder: Path, token: int = _PLAIN) -> Document:
        user = _atom(0x0FF6, struct.pack("<III", 0x14, token, self._edit) + bytes(8))
        write_compound(folder / "a.ppt", {"Current User": user, "PowerPoint Document": self.stream})
        return PptLoader().load(folder / "a.ppt", "a.ppt")


def _document(slides: bytes, notes: bytes = b"") -> bytes:
    lists = [_container(0x0FF0, slides, instance=0), _container(0x0FF0, notes, instance=2)]
    return _container(0x03E8, _atom(0x03E9, bytes(40)), *lists)


def _deck() -> _Saved:
    """Make two slides: one whose texts are in the outline, with notes; one with its own texts."""
    outline = _persist(2, 256) + _text("Plan", _TITLE) + _text("First\rSecond", _BODY)
    saved = _Saved()
    saved.save(
        {
            1: _document(outline + _persist(3, 257), notes=_persist(4, 300)),
            2: _sheet(0x03EE, *(_box(_atom(0x0F9E, struct.pack("<I", n))) for n in (1, 0)), notes=300),
            3: _sheet(0x03EE, _box(_text("预算 4711", _BODY)), _box(_text("*", _BODY)), _box(_text("标题", _TITLE))),
            4: _sheet(0x03F0, _box(_text("Say hello.", _NOTES_TEXT))),
        }
    )
    return saved


def test_slides_are_pages_with_their_title_first_and_their_notes_last(tmp_path: Path) -> None:
    document = _deck().load(tmp_path)
    assert [(document.text[b.start : b.end], b.page, b.heading_path) for b in document.blocks] == [
        ("Plan", 1, ("Plan",)),
        ("First\nSecond", 1, ("Plan",)),
        ("Say hello.", 1, ("Plan",)),
        ("标题", 2, ("标题",)),
        ("预算 4711", 2, ("标题",)),
    ]
    assert document.pages == 2


def test_what_was_saved_last_counts(tmp_path: Path) -> None:
    """A quick save appends the objects that changed; the older ones stay in the file."""
    saved = _deck()
    saved.save({3: _sheet(0x03EE, _box(_text("Revised", _BODY)))})
    document = saved.load(tmp_path)
    assert "Revised" in document.text
    assert "4711" not in document.text
    assert "Plan" in document.text


def test_a_directory_of_several_objects_in_one_run(tmp_path: Path) -> None:
    saved = _Saved()
    first = len(saved.stream)
    deck = _document(_persist(2, 256))
    saved.stream += deck + _sheet(0x03EE, _box(_text("In a run", _BODY)))
    place = len(saved.stream)
    saved.stream += _atom(0x1772, struct.pack("<III", 1 | 2 << 20, first, first + len(deck)))
    saved._edit = len(saved.stream)
    saved.stream += _atom(0x0FF5, struct.pack("<IHBBIIIIHH", 0, 0, 0, 3, 0, place, 1, 3, 0, 0))
    assert saved.load(tmp_path).text == "In a run"


def test_an_encrypted_one_asks_for_a_password(tmp_path: Path) -> None:
    with pytest.raises(Locked):
        _deck().load(tmp_path, _ENCRYPTED)


def test_edits_that_point_at_each_other_end(tmp_path: Path) -> None:
    saved = _deck()
    edit = saved._edit
    saved.stream = saved.stream[: edit + 16] + struct.pack("<I", edit) + saved.stream[edit + 20 :]
    assert "Plan" in saved.load(tmp_path).text


@pytest.mark.parametrize("at", [16, 20, 24])
def test_an_edit_that_leads_out_of_the_file_or_to_no_object_is_damage(tmp_path: Path, at: int) -> None:
    saved = _deck()
    place = saved._edit + at
    saved.stream = saved.stream[:place] + b"\xf0\xff\xff\x00" + saved.stream[place + 4 :]
    with pytest.raises(LoadError, match=r"'a\.ppt' is a damaged Office document"):
        saved.load(tmp_path)


def test_groups_within_groups_without_end(tmp_path: Path) -> None:
    deep = _box(_text("too deep", _BODY))
    for _ in range(200):
        deep = _container(0xF003, deep)
    saved = _Saved()
    saved.save({1: _document(_persist(2, 256)), 2: _sheet(0x03EE, _box(_text("seen", _BODY)), deep)})
    assert saved.load(tmp_path).text == "seen"
