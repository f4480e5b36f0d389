"""The vector file when it is damaged, foreign, half written, compacted, or on a full disk."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.errors import MissingExtra, StorageError, StorageFull
from kb_server.core.ports import Vectors
from tests.small_disk import fill, small_disk_at
from vectorstores.faiss.store import FaissStore
from vectorstores.log.changes import adding, merged
from vectorstores.log.frames import FILE, FRAME
from vectorstores.log.log import VectorLog
from vectorstores.log.store import FILE_NAME

DIMENSION = 4


def rows(*values: float) -> Vectors:
    return np.array([[value, 0, 0, 0] for value in values], np.float32)


def vectors_of(store: FaissStore) -> dict[int, float]:
    """Return the first number of every vector, recovered from its score."""
    query = np.array([1, 0, 0, 0], np.float32)
    return {number: round(2 * score - 1, 4) for number, score in store.search(query, 10_000)}


def opened(path: Path) -> FaissStore:
    return FaissStore(path.parent, DIMENSION)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of three flushes: ids 1 and 2; 3; 4, with 1 deleted."""
    store = FaissStore(tmp_path, DIMENSION)
    store.add([1, 2], rows(0.1, 0.2))
    store.flush()
    store.add([3], rows(0.3))
    store.flush()
    store.add([4], rows(0.4))
    store.delete([1])
    store.flush()
    return tmp_path / FILE_NAME


RECORD = 8 + 4 * DIMENSION
FIRST_END = FILE.size + FRAME.size + 2 * RECORD
SECOND_END = FIRST_END + FRAME.size + RECORD
THIRD_END = SECOND_END + FRAME.size + RECORD + 8


def test_the_layout_is_what_these_tests_assume(path: Path) -> None:
    assert path.stat().st_size == THIRD_END
    assert vectors_of(opened(path)) == {2: 0.2, 3: 0.3, 4: 0.4}


@pytest.mark.parametrize("size", range(SECOND_END, THIRD_END))
def test_a_torn_tail_is_ignored_and_cut_off_by_the_next_append(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    store = opened(path)
    assert vectors_of(store) == {1: 0.1, 2: 0.2, 3: 0.3}
    store.flush()
    assert path.stat().st_size == size, "nothing is pending, so nothing is written"
    store.add([5], rows(0.5))
    store.flush()
    assert path.stat().st_size == SECOND_END + FRAME.size + RECORD
    assert vectors_of(opened(path)) == {1: 0.1, 2: 0.2, 3: 0.3, 5: 0.5}


@pytest.mark.parametrize("position", range(SECOND_END, THIRD_END))
def test_a_flipped_byte_in_the_last_frame_is_a_torn_tail(path: Path, position: int) -> None:
    flip(path, position)
    assert vectors_of(opened(path)) == {1: 0.1, 2: 0.2, 3: 0.3}


@pytest.mark.parametrize("position", range(SECOND_END))
def test_a_flipped_byte_before_is_an_error(path: Path, position: int) -> None:
    flip(path, position)
    before = path.read_bytes()
    with pytest.raises(StorageError) as caught:
        opened(path)
    assert str(path) in caught.value.message
    assert "intact" in caught.value.message or "left as it is" in caught.value.message
    assert "kb ingest" in caught.value.hint
    assert path.read_bytes() == before


def test_the_message_counts_what_is_intact(path: Path) -> None:
    flip(path, SECOND_END - 1)
    with pytest.raises(StorageError, match=f"damaged at byte {FIRST_END}: the 2 records before are intact"):
        opened(path)


def test_what_was_written_before_the_file_had_its_name_is_never_a_torn_tail(path: Path) -> None:
    content = path.read_bytes()
    for size in range(1, FIRST_END):
        path.write_bytes(content[:size])
        with pytest.raises(StorageError):
            opened(path)


def test_damage_found_while_following_is_an_error_that_mends_with_the_file(path: Path) -> None:
    reader, content = opened(path), path.read_bytes()
    writer = opened(path)
    for number in (5, 6):
        writer.add([number], rows(0.5))
        writer.flush()
    whole = path.read_bytes()
    flip(path, len(content) + FRAME.size)
    with pytest.raises(StorageError, match=f"damaged at byte {THIRD_END}: the 5 records before are intact"):
        reader.ids()
    path.write_bytes(whole)
    assert reader.ids() == {2, 3, 4, 5, 6}


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


def test_wrong_magic(path: Path) -> None:
    path.write_bytes(b"\x80\x04 a pickle, perhaps, and long enough to hold a header")
    with pytest.raises(StorageError, match="not a vector file"):
        opened(path)


def test_newer_version(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:8] + (2).to_bytes(4, "little") + content[12:])
    with pytest.raises(StorageError, match="format version 2") as caught:
        opened(path)
    assert "Upgrade" in caught.value.hint


def test_other_dimension(path: Path) -> None:
    with pytest.raises(StorageError, match="dimension 4, not 5; its content is intact"):
        FaissStore(path.parent, 5)


def test_a_reader_leaves_no_trace(tmp_path: Path) -> None:
    store = FaissStore(tmp_path / "absent", DIMENSION)
    store.delete([1])
    store.flush()
    assert store.ids() == set()
    assert list(tmp_path.iterdir()) == []


def churn(store: FaissStore, rounds: int) -> None:
    for turn in range(rounds):
        store.add(range(300), rows(*np.linspace(0, turn / rounds, 300)))
        store.flush()


def test_compaction_keeps_the_content_and_readers_follow(path: Path) -> None:
    reader, writer = opened(path), opened(path)
    inode = path.stat().st_ino
    churn(writer, 8)
    expected = vectors_of(writer)
    assert len(expected) == 300
    assert path.stat().st_ino != inode
    assert path.stat().st_size < 5 * 300 * RECORD
    assert vectors_of(reader) == vectors_of(opened(path)) == expected
    assert [file.name for file in path.parent.iterdir()] == [FILE_NAME]
    writer.add([999], rows(0.9))
    writer.flush()
    assert reader.ids() == {*range(300), 999}


def test_unflushed_changes_outlive_a_compaction_by_another(path: Path) -> None:
    first, second = opened(path), opened(path)
    first.add([0, 7_000], rows(0.77, 0.7))
    first.delete([2])
    churn(second, 8)
    found = vectors_of(first)
    assert (found[0], found[7_000], 2 in found, len(found)) == (0.77, 0.7, False, 300)
    first.flush()
    assert vectors_of(second) == vectors_of(opened(path)) == found


def test_an_older_copy_put_back_is_read_anew(path: Path) -> None:
    reader, content = opened(path), path.read_bytes()
    copy = path.with_suffix(".copy")
    copy.write_bytes(content[:FIRST_END])
    copy.replace(path)
    assert reader.ids() == {1, 2}
    path.unlink()
    assert reader.ids() == set()


def test_a_closed_store_reads_its_file_again(path: Path) -> None:
    store = opened(path)
    store.add([8], rows(0.8))
    store.close()
    assert vectors_of(store) == {2: 0.2, 3: 0.3, 4: 0.4}


def test_a_failing_disk_keeps_what_is_pending(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, content = opened(path), path.read_bytes()
    store.add([5], rows(0.5))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match=f"'{path}' cannot be written: Input/output error"):
            store.flush()
    assert path.read_bytes() == content
    assert store.ids() == {2, 3, 4, 5}
    store.flush()
    assert opened(path).ids() == {2, 3, 4, 5}


def fail(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_file_that_cannot_be_read(path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match=f"'{path}' cannot be read: Is a directory"):
        opened(path)


def test_a_missing_package_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtra, match="faiss") as caught:
        FaissStore(tmp_path, DIMENSION)
    assert "pip install 'kb-server[faiss]'" in caught.value.hint


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    with small_disk_at(tmp_path / "disk", 1) as disk:
        yield disk


def test_a_full_disk_loses_nothing_and_the_same_call_works_later(small_disk: Path) -> None:
    store = FaissStore(small_disk / "base", DIMENSION)
    store.add(range(100), rows(*[0.1] * 100))
    store.flush()
    path = small_disk / "base" / FILE_NAME
    before = path.read_bytes()
    ballast = fill(small_disk, 8_192)
    store.add(range(1_000, 2_000), rows(*[0.2] * 1_000))
    for _ in range(2):
        with pytest.raises(StorageFull, match=FILE_NAME):
            store.flush()
        assert path.read_bytes() == before
        assert len(store) == 1_100
    ballast.unlink()
    store.flush()
    assert vectors_of(opened(path)) == vectors_of(store)
    assert len(opened(path)) == 1_100


def test_a_first_flush_on_a_full_disk_leaves_no_file(small_disk: Path) -> None:
    store = FaissStore(small_disk / "base", DIMENSION)
    ballast = fill(small_disk, 8_192)
    store.add(range(1_000), rows(*[0.2] * 1_000))
    with pytest.raises(StorageFull):
        store.flush()
    assert list((small_disk / "base").iterdir()) == []
    ballast.unlink()
    store.flush()
    assert len(FaissStore(small_disk / "base", DIMENSION)) == 1_000


def test_a_full_disk_puts_compaction_off(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = FaissStore(small_disk / "base", DIMENSION)
    path = small_disk / "base" / FILE_NAME
    for _ in range(2):
        store.add(range(3_000), rows(*[0.1] * 3_000))
        store.flush()
    store.add([1], rows(0.5))
    fill(small_disk, 8_192)
    with caplog.at_level(logging.WARNING):
        store.flush()
    assert "Compaction is put off" in caplog.text
    assert vectors_of(opened(path)) == vectors_of(store)
    assert [file.name for file in path.parent.iterdir()] == [FILE_NAME]


def read_all(log: VectorLog, held: dict[int, float]) -> dict[int, float]:
    """Return what a reader holds after it has read on."""
    anew, batches = log.read()
    found = merged([adding(list(held), rows(*held.values()).reshape(-1, DIMENSION), DIMENSION), *batches], DIMENSION)
    if anew:
        found = merged(batches, DIMENSION)
    return dict(zip(found.added.tolist(), found.vectors[:, 0].round(4).tolist(), strict=True))


@given(st.lists(st.tuples(st.sampled_from(["append", "replace", "read"]), st.integers(1, 4)), max_size=8))
@settings(max_examples=30)
def test_a_reader_that_follows_holds_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("log") / FILE_NAME
    writer, reader = VectorLog(path, DIMENSION), VectorLog(path, DIMENSION)
    written: dict[int, float] = {}
    seen: dict[int, float] = {}
    for step, (what, number) in enumerate(steps):
        if what == "append":
            writer.append(adding([number], rows(step), DIMENSION))
            written[number] = step
        elif what == "replace":
            written = {number: float(step)}
            writer.replace([adding([number], rows(step), DIMENSION)])
        else:
            seen = read_all(reader, seen)
            assert seen == written
            assert not reader.changed()
    assert read_all(reader, seen) == written
    assert reader.position == writer.position or not written


def test_a_reader_may_begin_at_a_position_it_was_told(path: Path) -> None:
    first = VectorLog(path, DIMENSION)
    first.read()
    position = first.position
    first.append(adding([9], rows(0.9), DIMENSION))
    second = VectorLog(path, DIMENSION)
    assert second.resume(position)
    anew, batches = second.read()
    assert (anew, [batch.added.tolist() for batch in batches]) == (False, [[9]])
    first.replace([])
    assert not VectorLog(path, DIMENSION).resume(position)
    path.unlink()
    assert not VectorLog(path, DIMENSION).resume(position)
