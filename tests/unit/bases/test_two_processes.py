"""Two processes on one base: one writes and the other waits or is told; a reader sees every commit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kb_server.core.errors import Busy
from tests.paths import ROOT
from tests.workshop import workshop

FILES, PARTS = 20, 15
INGEST = """
import sys, time
from pathlib import Path
from tests import workshop as module
import kb_server.ingest.pipeline as ingesting

class Slow(module.ToyEmbedder):
    def embed_passages(self, texts):
        time.sleep(0.003 * len(texts))
        return super().embed_passages(texts)

module.ToyEmbedder = Slow
ingesting._CHUNKS_A_COMMIT = 30
with module.workshop(Path(sys.argv[1]), splitting={"size": 20, "overlap": 0}) as shop:
    print("ready", flush=True)
    report = shop.app.ingest.pipeline("papers").run([Path(sys.argv[2])])
    print(report.added, report.unchanged, len(report.failed))
"""


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(FILES):
        lines = [f"paper{number} part{part} speaks of word{number * part % 97} in a line." for part in range(PARTS)]
        (folder / f"{number:02}.txt").write_text("\n\n".join(lines), "utf-8")
    return folder


def ingest(home: Path, folder: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", INGEST, str(home), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_two_ingests_of_one_folder_and_a_reader(tmp_path: Path, texts: Path) -> None:
    home = tmp_path / "home"
    with workshop(home, splitting={"size": 20, "overlap": 0}) as shop:
        shop.app.bases.create("papers", "faiss", "toy")
        both = [ingest(home, texts), ingest(home, texts)]
        seen = set()
        while any(process.poll() is None for process in both):
            documents = len(shop.app.bases.open("papers").documents.digests())
            found = shop.found("papers", "paper part speaks of word")
            assert found or not documents, "what is committed answers at once"
            seen.add(documents)
        outputs = [process.communicate(timeout=60)[0].split()[1:] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert sorted(outputs) == sorted([[str(FILES), "0", "0"], ["0", str(FILES), "0"]])
        assert len(seen) > 2, "the reader saw it grow"
        assert len(shop.state("papers")) == FILES
        assert shop.app.bases.open("papers").chunks.count() == FILES * PARTS


def test_who_cannot_wait_is_told(tmp_path: Path, texts: Path) -> None:
    with workshop(tmp_path / "home") as shop:
        shop.app.bases.create("papers", "faiss", "toy")
        opened = shop.app.bases.open("papers")
        with opened.writing(), pytest.raises(Busy, match="'papers'"), opened.writing(wait_seconds=0.1):
            pass
        assert shop.app.ingest.pipeline("papers").run([texts]).added == FILES
