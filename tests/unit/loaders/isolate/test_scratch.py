"""Folders that killed processes left behind."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from loaders.isolate import scratch as module
from loaders.isolate.scratch import scratch


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    module._tidied.cache_clear()
    return tmp_path


def test_what_a_killed_process_left_goes_and_all_else_stays(place: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = place / f"kb-reading-{ended.pid}-abc1"
    stays = [place / "kb-reading-1-abc", place / f"kb-notes-{ended.pid}", place / "other"]
    for folder in (left, *stays):
        folder.mkdir()
        (folder / "file").write_text("x")
    with scratch("unpack") as mine, scratch("unpack") as another:
        assert not left.exists()
        assert all((folder / "file").exists() for folder in stays)
        assert Path(mine).exists()
        assert mine != another
    assert not Path(mine).exists()


def test_a_link_that_has_such_a_name_is_not_followed(place: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (place / "treasure").mkdir()
    (place / f"kb-reading-{ended.pid}-abc1").symlink_to(place / "treasure")
    scratch("unpack").cleanup()
    assert (place / "treasure").is_dir()
