"""Writes compound files by hand ([MS-CFB], version 3): a header, sectors of 512 bytes, and what chains them."""

import struct
from dataclasses import dataclass
from pathlib import Path

Tree = dict[str, "bytes | Tree"]
"""Streams and storages by name."""

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR, _MINI, _SMALLEST = 512, 64, 4096  # a stream of fewer bytes lies in the mini stream
_ROOT, _STORAGE, _STREAM = 5, 1, 2


@dataclass
class _Entry:
    name: str
    kind: int
    data: bytes = b""
    child: int = _FREE
    right: int = _FREE
    start: int = _END


class _Chains:
    """Sectors of one size, and for each the number of the next."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.data = b""
        self.next: list[int] = []

    def add(self, data: bytes) -> int:
        if not data:
            return _END
        start = len(self.next)
        count = -(-len(data) // self.size)
        self.next += [*range(start + 1, start + count), _END]
        self.data += data.ljust(count * self.size, b"\0")
        return start


def write_compound(path: Path, tree: Tree) -> None:
    """Write streams and storages; the siblings of a storage hang on each other's right side."""
    entries = [_Entry("Root Entry", _ROOT)]
    _enter(entries, 0, tree)
    sectors, mini = _Chains(_SECTOR), _Chains(_MINI)
    for entry in entries[1:]:
        entry.start = (mini if len(entry.data) < _SMALLEST else sectors).add(entry.data)
    entries[0].data, entries[0].start = mini.data, sectors.add(mini.data)
    mini_fat = sectors.add(b"".join(struct.pack("<I", each) for each in mini.next))
    directory = sectors.add(b"".join(map(_written, entries)))
    count = next(n for n in range(1, 110) if 128 * n >= len(sectors.next) + n)
    fats = [len(sectors.next) + n for n in range(count)]
    table = [*sectors.next, *[_FAT] * count]
    fat = struct.pack(f"<{128 * count}I", *table, *[_FREE] * (128 * count - len(table)))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, count, directory, 0, _SMALLEST, mini_fat, -(-len(mini.next) // 128), _END, 0)
    path.write_bytes(header + struct.pack("<109I", *fats, *[_FREE] * (109 - count)) + sectors.data + fat)


def _enter(entries: list[_Entry], parent: int, tree: Tree) -> None:
    before: _Entry | None = None
    for name in sorted(tree, key=lambda each: (len(each), each.upper())):
        content = tree[name]
        number = len(entries)
        is_stream = isinstance(content, bytes)
        entry = _Entry(name, _STREAM, content) if isinstance(content, bytes) else _Entry(name, _STORAGE)
        entries.append(entry)
        if before is None:
            entries[parent].child = number
        else:
            before.right = number
        before = entry
        if not is_stream and isinstance(content, dict):
            _enter(entries, number, content)


def _written(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0"
    black = 1
    links = struct.pack("<BBIII", entry.kind, black, _FREE, entry.right, entry.child)
    place = struct.pack("<IQ", entry.start, len(entry.data))
    return name.ljust(64, b"\0") + struct.pack("<H", len(name)) + links + bytes(36) + place
