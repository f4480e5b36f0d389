"""An ingest that is stopped or killed: what was committed answers, and the same command goes on from there."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Kb

FILES = 150
SMALL_CHUNKS = {"KB_SPLITTING__SIZE": "20", "KB_SPLITTING__OVERLAP": "0"}
COMMAND = Path(sys.executable).with_name("kb")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of small files that take several commits."""
    folder = tmp_path_factory.mktemp("papers")
    for i in range(FILES):
        lines = [f"Machine {i:03d} part {j} was checked by team {(i + j) % 7} on day {i * j % 365}." for j in range(3)]
        (folder / f"{i:03d}.txt").write_text("\n\n".join(lines), "utf-8")
    return folder


@pytest.fixture(scope="module")
def fresh_chunks(papers: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return how many chunks an ingest leaves that nobody stops."""
    kb = Kb(tmp_path_factory.mktemp("fresh") / "home")
    kb.json("create", "papers")
    report = kb.json("ingest", "papers", papers, **SMALL_CHUNKS)
    assert report["added"] == FILES
    chunks: int = report["chunks"]
    return chunks


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_ingest_goes_on(kb: Kb, papers: Path, fresh_chunks: int, blow: signal.Signals) -> None:
    kb.json("create", "papers")
    ended, errors = _ingest_until_committed(kb.home, papers, blow)
    assert ended == (130 if blow is signal.SIGINT else -signal.SIGKILL)
    if blow is signal.SIGINT:
        assert '"interrupted"' in errors
        assert "Traceback" not in errors

    done = _indexed(kb.home)
    assert 0 < done < FILES
    hits = kb.json("search", "papers", "Machine 000 part 1", "-k", "50")["hits"]
    assert any(hit["document"] == "000.txt" for hit in hits)

    report = kb.json("ingest", "papers", papers, **SMALL_CHUNKS)
    assert report["failed"] == []
    assert report["unchanged"] >= done
    documents = kb.json("docs", "papers")["documents"]
    assert [document["name"] for document in documents] == [f"{i:03d}.txt" for i in range(FILES)]
    assert {document["state"] for document in documents} == {"indexed"}
    assert kb.json("list")["knowledge_bases"][0]["chunks"] == fresh_chunks
    for mode in ("dense", "lexical"):
        hits = kb.json("search", "papers", "Machine 149 part 2", "-k", "100", "--mode", mode)["hits"]
        ids = [hit["chunk_id"] for hit in hits]
        assert len(ids) == len(set(ids)) == 100
    (base,) = (kb.home / "bases").iterdir()
    assert len(list((base / "originals").iterdir())) == FILES


def _ingest_until_committed(home: Path, papers: Path, blow: signal.Signals) -> tuple[int, str]:
    environment = {**os.environ, **SMALL_CHUNKS, "KB_HOME": str(home)}
    with subprocess.Popen(
        [COMMAND, "ingest", "papers", papers, "--json"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        deadline = time.monotonic() + 90
        while process.poll() is None and not _indexed(home) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(blow)
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def _indexed(home: Path) -> int:
    connection = sqlite3.connect(f"file:{home / 'catalog.db'}?mode=ro", uri=True)
    try:
        count: int = connection.execute("SELECT count(*) FROM documents WHERE state = 'indexed'").fetchone()[0]
    finally:
        connection.close()
    return count
