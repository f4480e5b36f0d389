"""Reading ahead: in order, bounded, and left at once when it is stopped."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kb_server.bases.files import BaseFiles
from kb_server.ingest.read_ahead import ReadAhead
from kb_server.ingest.sources import SourceFile
from loaders.isolate.loader import IsolatedLoader, ReadLimits
from tests.paths import ROOT
from tests.unit.ingest.interrupted_reading import TARGET


def sources(folder: Path, *words: str) -> list[SourceFile]:
    made = []
    for number, word in enumerate(words):
        path = folder / f"{number}.txt"
        path.write_text(word)
        made.append(SourceFile(path, path.name, len(word)))
    return made


@pytest.fixture
def files(tmp_path: Path) -> BaseFiles:
    made = BaseFiles(tmp_path / "home", "base")
    made.make()
    return made


def test_outcomes_come_in_order_and_name_what_is_unchanged(tmp_path: Path, files: BaseFiles) -> None:
    loader = IsolatedLoader(ReadLimits(20), TARGET)
    try:
        given = sources(tmp_path, "slow 2", "fine", "refuse", *["fine"] * 6)
        reader = ReadAhead(loader.load, files, 2, lambda *_: None)
        outcomes = list(reader.run(given, {}))
        again = list(reader.run(given[1:2], {"1.txt": outcomes[1].digest}))
    finally:
        loader.close()
    assert [outcome.source for outcome in outcomes] == given
    assert [bool(outcome.error) for outcome in outcomes] == [False, False, True, *[False] * 6]
    assert (again[0].document, again[0].error) == (None, None)
    assert {path.name for path in files.originals.iterdir()} == {outcome.file for outcome in outcomes if outcome.file}


@pytest.mark.parametrize("words", [("hang",), ("fine", "hang", "hang", "fine", "fine", "fine")])
def test_ctrl_c_does_not_wait_for_a_file_that_hangs(tmp_path: Path, words: tuple[str, ...]) -> None:
    paths = [source.path for source in sources(tmp_path, *words)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.ingest.interrupted_reading", tmp_path / "home", *paths],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a job in the background has none
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert said.splitlines()[-1] == "stopped"
    assert process.returncode == 0
