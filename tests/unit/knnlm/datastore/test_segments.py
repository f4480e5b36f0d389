"""The bytes of a segment: they come back as they went, and any other byte is an error."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.errors import StorageError
from kb_server.knnlm.datastore.segments import Segment, read_segment, write_segment


def _segment(counts: tuple[int, int, int, int] = (2, 3, 1, 0), rows: int = 5, dimension: int = 4) -> Segment:
    draw = np.random.default_rng(sum(counts) + rows)
    documents, chunks, spans, parts = (
        draw.integers(-(2**62), 2**62, (count, width)) for count, width in zip(counts, (2, 4, 3, 3), strict=True)
    )
    tokens = draw.integers(0, 2**32, rows, dtype=np.uint32)
    keys = draw.standard_normal((rows, dimension)).astype(np.float16)
    return Segment(documents, chunks, spans, parts, tokens, keys)


def _arrays(segment: Segment) -> list[Any]:
    return [*segment.tables, segment.tokens, segment.keys]


@given(st.tuples(*[st.integers(0, 4)] * 4), st.integers(0, 6), st.integers(1, 5))
@settings(max_examples=25)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, counts: tuple[int, int, int, int], rows: int, dimension: int
) -> None:
    path = tmp_path_factory.mktemp("segments") / "a.seg"
    written = _segment(counts, rows, dimension)
    write_segment(path, written)
    read = read_segment(path, dimension)
    for one, other in zip(_arrays(written), _arrays(read), strict=True):
        assert one.shape == other.shape
        assert np.array_equal(one, other)
    assert [each.name for each in path.parent.iterdir()] == ["a.seg"]


def test_the_layout_is_the_one_described(tmp_path: Path) -> None:
    """64 bytes of header, then tables of i64, tokens of u32 and keys of f16, all little-endian."""
    written = _segment()
    write_segment(tmp_path / "a.seg", written)
    data = (tmp_path / "a.seg").read_bytes()
    magic, version, dimension, *counts = struct.unpack_from("<8sII5Q", data)
    assert (magic, version, dimension, counts) == (b"KBKNNSEG", 1, 4, [2, 3, 1, 0, 5])
    assert len(data) == 64 + 8 * (2 * 2 + 3 * 4 + 1 * 3) + 5 * 4 + 5 * 4 * 2
    assert struct.unpack_from("<2q", data, 64) == tuple(written.documents[0])
    assert struct.unpack("<4e", data[-8:]) == tuple(written.keys[-1])


@pytest.mark.parametrize("position", [*range(0, 64, 3), 64, 100, 200, -1])
def test_a_flipped_bit_anywhere_is_noticed(tmp_path: Path, position: int) -> None:
    write_segment(tmp_path / "a.seg", _segment())
    data = bytearray((tmp_path / "a.seg").read_bytes())
    data[position] ^= 0x10
    (tmp_path / "a.seg").write_bytes(bytes(data))
    with pytest.raises(StorageError, match="kb knn build NAME --anew"):
        read_segment(tmp_path / "a.seg", 4)


@pytest.mark.parametrize("keep", [0, 8, 63, 64, -1])
def test_a_file_that_breaks_off_is_noticed(tmp_path: Path, keep: int) -> None:
    write_segment(tmp_path / "a.seg", _segment())
    (tmp_path / "a.seg").write_bytes((tmp_path / "a.seg").read_bytes()[:keep])
    with pytest.raises(StorageError):
        read_segment(tmp_path / "a.seg", 4)


def test_keys_of_another_size_are_refused_by_name(tmp_path: Path) -> None:
    write_segment(tmp_path / "a.seg", _segment())
    with pytest.raises(StorageError, match="with keys of 4; expected 8"):
        read_segment(tmp_path / "a.seg", 8)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        write_segment(tmp_path / "none" / "a.seg", _segment())
    with pytest.raises(StorageError, match="cannot be read"):
        read_segment(tmp_path / "none.seg", 4)
