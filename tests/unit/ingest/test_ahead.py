"""Reading ahead: in order, bounded, and left at once when it is stopped."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from kb_server.bases.files import BaseFiles
from kb_server.core.ports import Vectors
from kb_server.ingest.ahead import EmbedAhead, ReadAhead
from kb_server.ingest.sources import SourceFile
from loaders.isolate.loader import IsolatedLoader, ReadLimits
from tests.paths import ROOT
from tests.unit.ingest.interrupted_reading import TARGET


class Lengths:
    """A vector is the length of its text."""

    name, dimension, fingerprint = "lengths", 1, "lengths"

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.array([[len(text)] for text in texts], np.float32)

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self.embed_passages([text])[0])


@dataclass
class Texts:
    """A batch."""

    texts: list[str]

    def embedded(self, count: int) -> None:
        pass


@pytest.mark.parametrize(("sizes", "most"), [([5000] * 6, 2), ([200] * 20, 3), ([0, 3000, 1, 2000, 2000], 3)])
def test_batches_come_in_order_and_few_are_there_at_a_time(sizes: list[int], most: int) -> None:
    begun, held = 0, []

    def batches() -> Iterator[Texts]:
        nonlocal begun
        for number, size in enumerate(sizes, start=1):
            begun += 1
            yield Texts(["x" * number] * size)

    done = 0
    for batch, vectors in EmbedAhead[Texts](Lengths()).run(batches()):
        held.append(begun - done)
        done += 1
        assert vectors.shape == (sizes[done - 1], 1)
        assert set(vectors.ravel()) <= {done}
        assert len(batch.texts) == sizes[done - 1]
    assert done == len(sizes)
    assert max(held) <= most


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
    assert {path.name for path in files.originals.iterdir()} == {
        outcome.kept.name for outcome in outcomes if outcome.kept
    }


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
