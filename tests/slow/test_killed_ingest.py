"""Ingest killed with SIGKILL at random moments: what was reported committed answers, once, and is never embedded again.

    TEST_KILLS=200 pytest -m slow tests/slow/test_killed_ingest.py --log-cli-level=INFO

Each run ingests a few more files in a process of its own and is killed; the next run reopens what it left. Every file
that a run embeds a passage of is noted by that process itself, on the disk, before the vectors leave the embedder.
"""

import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.workshop import workshop

logger = logging.getLogger(__name__)

KILLS = int(os.environ.get("TEST_KILLS", "12"))
FILES_A_RUN = 6
PARTS = 40  # chunks of a file

INGEST = """
import sys, time
from pathlib import Path
from tests import workshop as module
home, folder, journal = map(Path, sys.argv[1:])

class Slow(module.ToyEmbedder):
    def embed_passages(self, texts):
        with journal.open("a") as lines:
            lines.writelines(f"{text.split()[0]}\\n" for text in texts)
        time.sleep(0.002 * len(texts))
        return super().embed_passages(texts)

module.ToyEmbedder = Slow
shop = module.Workshop(home, splitting={"size": 20, "overlap": 0})
shop.toy.embedded = []
import kb_server.ingest.pipeline as ingesting
ingesting._CHUNKS_A_COMMIT = 80
print("ready", flush=True)
shop.app.ingest.pipeline("papers").run([folder])
print("done", flush=True)
shop.app.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("store", ["faiss", "milvus"])
def test_ingest_survives_being_killed(store: str, tmp_path: Path) -> None:
    home, folder, journal = tmp_path / "home", tmp_path / "texts", tmp_path / "journal"
    folder.mkdir()
    journal.touch()
    with workshop(home) as shop:
        shop.app.bases.create("papers", store, "toy")
    chance = random.Random(7)
    committed: dict[str, str] = {}
    landed = finished = 0
    longest = 0.0  # the first run is let live, to learn how long one takes
    for run in range(KILLS + 1):
        write_files(folder, run, chance)
        mark = journal.stat().st_size
        moment = chance.uniform(0.1, longest) if run else 60.0
        killed, took = ingest_and_kill(home, folder, journal, moment)
        landed += killed
        finished += not killed
        if not killed:
            longest = 1.5 * took
        committed = check(home, committed, journal.read_text()[mark:], full=run % 10 == 9)
    with workshop(home, splitting={"size": 20, "overlap": 0}) as shop:
        report = shop.app.ingest.pipeline("papers").run([folder])
        assert report.failed == []
        state = shop.state("papers")
        assert len(state) == len(list(folder.iterdir()))
        assert shop.app.bases.open("papers").chunks.count() == PARTS * len(state)
        answers(shop, list(state))
    numbers = (store, landed, finished, len(committed), len(state))
    logger.info(
        "%s: %d runs killed, %d finished before; %d documents committed when last killed, %d at the end", *numbers
    )
    assert committed
    assert landed >= KILLS // 2, "the kills come too late to mean anything"


def write_files(folder: Path, run: int, chance: random.Random) -> None:
    """Add files, and change one that is there."""
    names = [f"r{run:03d}f{number}" for number in range(FILES_A_RUN)]
    there = sorted(path.stem for path in folder.iterdir())
    for name in [*names, *chance.sample(there, min(1, len(there)))]:
        lines = [
            f"{name}v{run:03d} part{part} speaks of word{part * 31 % 977} in a line of its own."
            for part in range(PARTS)
        ]
        (folder / f"{name}.txt").write_text("\n\n".join(lines), "utf-8")


def ingest_and_kill(home: Path, folder: Path, journal: Path, moment: float) -> tuple[bool, float]:
    """Run an ingest and kill it `moment` seconds after it began; returns whether it still ran, and how long it took."""
    command = [sys.executable, "-W", "ignore", "-c", INGEST, str(home), str(folder), str(journal)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        started = time.monotonic()
        try:
            status = process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            status = process.wait()
    assert status in (0, -signal.SIGKILL)
    return status != 0, time.monotonic() - started


def check(home: Path, before: dict[str, str], embedded: str, full: bool) -> dict[str, str]:
    """Reopen, and compare with what was known committed before the run; returns what is committed now."""
    with workshop(home, splitting={"size": 20, "overlap": 0}) as shop:
        documents = shop.app.bases.open("papers").documents
        digests = documents.digests()
        assert before.keys() <= digests.keys(), "a committed document was lost"
        for name, digest in before.items():
            if digests[name] == digest:
                stem = name.removesuffix(".txt")
                version = documents.text(name).split()[0]
                assert version.startswith(stem)
                assert f"{version}\n" not in embedded, f"{name} was committed and embedded again"
        whole = documents.all()
        indexed = [document for document in whole if document.state == "indexed"]
        assert len({document.name for document in indexed}) == len(indexed)
        assert {document.chunks for document in indexed} <= {PARTS}, "a document is half there"
        recent = [name for name in digests if digests[name] != before.get(name)]
        answers(shop, list(digests) if full else recent[:4])
    return digests


def answers(shop: "object", names: list[str]) -> None:
    """Ask for one part of each document, by meaning and by words; it must be found once, at the top of its kind."""
    from kb_server.core.domain import Filter, SearchMode
    from tests.workshop import Workshop

    assert isinstance(shop, Workshop)
    retriever = shop.app.search.retriever("papers")
    for name in names:
        only = Filter(documents=(name,))
        for mode in (SearchMode.DENSE, SearchMode.LEXICAL):
            hits = retriever.retrieve("speaks of a line of its own", 2 * PARTS, only, mode)
            ids = [hit.chunk.id for hit in hits]
            assert len(ids) == len(set(ids)) == PARTS, f"{name} by {mode}: {len(ids)} of {PARTS} parts"
