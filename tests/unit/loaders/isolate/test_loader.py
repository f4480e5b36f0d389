"""Parsers that hang, crash or eat memory cost one file."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders import load
from loaders.isolate.loader import IsolatedLoader, ReadLimits
from tests.unit.loaders.isolate import misbehaving

TARGET = "tests.unit.loaders.isolate.misbehaving:load"


@pytest.fixture(scope="module")
def isolated() -> Iterator[IsolatedLoader]:
    loader = IsolatedLoader(ReadLimits(seconds=8, megabytes=1024), TARGET)
    yield loader
    loader.close()


def told(folder: Path, words: str) -> Path:
    path = folder / "told.txt"
    path.write_text(words)
    return path


def test_a_document_arrives_as_it_was_made(isolated: IsolatedLoader, tmp_path: Path) -> None:
    path = told(tmp_path, "ordinary 中文 text")
    assert isolated.load(path, "told.txt") == misbehaving.load(path, "told.txt")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("hang", "took more than 8 seconds .* loading.seconds"),
        ("crash", "crash .signal 6.*loading.memory_mb"),
        ("leave", "crash .status 7"),
        ("eat", "more than 1024 MB .* loading.memory_mb"),
        ("refuse", "No. Try another."),
        ("bug", "its reader failed .TypeError: a fault in two lines"),
    ],
)
def test_misbehaviour_costs_one_file(isolated: IsolatedLoader, tmp_path: Path, words: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        isolated.load(told(tmp_path, words), "told.txt")
    assert isolated.load(told(tmp_path, "fine"), "told.txt").text == "Title\n\nfine"


def test_what_a_stopped_reader_wrote_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    loader = IsolatedLoader(ReadLimits(seconds=60), TARGET)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loader.load, told(tmp_path, "hang"), "a")
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("temporary/*/left behind")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list(tmp_path.glob("temporary/*/left behind"))
        loader.close()
        with pytest.raises(LoadError):
            waiting.result(timeout=60)
    assert not list(tmp_path.glob("temporary/*"))


def test_slow_pages_are_no_hang(isolated: IsolatedLoader, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    document = isolated.load(told(tmp_path, "slow 10"), "a", lambda number, total: heard.append((number, total)))
    assert document.text == "slow but steady"
    assert heard == [(number, 10) for number in range(1, 11)]


def test_closing_ends_a_worker_in_the_middle_of_a_file(tmp_path: Path) -> None:
    loader = IsolatedLoader(ReadLimits(seconds=60), TARGET)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loader.load, told(tmp_path, "hang"), "a")
        time.sleep(0.8)
        started = time.monotonic()
        loader.close()
        with pytest.raises(LoadError):
            waiting.result(timeout=10)
    assert time.monotonic() - started < 5
    with pytest.raises(LoadError, match="stopped"):
        loader.load(told(tmp_path, "fine"), "a")


def test_the_current_folder_is_not_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the current folder')")
    (tmp_path / "a.md").write_text("# Head\n\nBody.")
    monkeypatch.chdir(tmp_path)
    loader = IsolatedLoader(ReadLimits())
    try:
        assert loader.load(Path("a.md"), "a.md") == load(tmp_path / "a.md", "a.md")
    finally:
        loader.close()
