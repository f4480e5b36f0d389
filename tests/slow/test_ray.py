"""`kb ingest --ray` on a Ray of this machine: the result is that of an ordinary ingest, also when workers are lost."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb_server.app import Application
from kb_server.cli import _ray_address
from kb_server.config.settings import Settings, load_settings
from kb_server.core.errors import ClusterFailed
from tests.models.embedding_server import EmbeddingServer, serving

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray warns of its own sockets
pytest.importorskip("ray", reason="Ray is not installed: pip install 'kb-server[ray]'.")
pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")

FILES = 40


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with serving() as running:
        running.seconds = 0.05
        yield running


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(FILES):
        lines = [f"Machine {number} part {part} was checked by team {part % 7}." for part in range(30)]
        (folder / f"{number:03d}.txt").write_text("\n\n".join(lines), "utf-8")
    (folder / "broken.docx").write_bytes(b"PK\x03\x04 is no archive")
    return folder


def settings(home: Path, server: EmbeddingServer) -> Settings:
    embedding = {"backend": "langchain", "model": "made-up", "url": server.url, "batch_size": 8}
    return load_settings(arguments={"home": home, "embedding": embedding, "splitting": {"size": 20, "overlap": 0}})


def contents(application: Application) -> dict[str, Any]:
    """Return each document's chunks, after checking that both indexes hold exactly those of the catalog."""
    opened = application.bases.open("papers")
    ids = opened.chunks.vector_ids()
    assert len(ids) == len(set(ids))
    assert opened.store.ids() == opened.lexical.ids() == set(ids)
    found: dict[str, Any] = {}
    for chunk in opened.chunks.by_vector(ids).values():
        found.setdefault(chunk.document, []).append((chunk.start, chunk.end, chunk.text))
    return found


def kill_workers(server: EmbeddingServer, killed: list[int]) -> None:
    """Kill every Ray worker of this process's cluster, twice, while they embed."""
    for after in (5, 40):
        deadline = time.monotonic() + 200
        while len(server.requests) < after and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in workers():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)


def workers() -> list[int]:
    """Return the processes below this one that Ray has given work."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            names[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has just ended

    def is_below(pid: int) -> bool:
        while pid in parents:
            pid = parents[pid]
            if pid == os.getpid():
                return True
        return False

    return [pid for pid, name in names.items() if name.startswith(b"ray::_") and is_below(pid)]


def test_lost_workers_change_nothing(tmp_path: Path, papers: Path, server: EmbeddingServer) -> None:
    from kb_server.integrations.ray import LOCAL, RayCluster

    alone = Application(settings(tmp_path / "alone", server))
    alone.bases.create("papers")
    alone.ingest.pipeline("papers").run([papers])
    expected = contents(alone)
    alone.close()
    assert len(expected) == FILES

    server.requests.clear()
    made = settings(tmp_path / "home", server)
    application, cluster = Application(made), RayCluster(LOCAL, made)
    application.bases.create("papers")
    server.requests.clear()
    killed: list[int] = []
    killer = threading.Thread(target=kill_workers, args=(server, killed))
    killer.start()
    try:
        report = application.ingest.pipeline("papers", cluster).run([papers])
        killer.join()
        again = application.ingest.pipeline("papers", cluster).run([papers])
    finally:
        cluster.close()
    assert killed, "no worker was lost"
    assert (report.added, [failure.path for failure in report.failed]) == (FILES, [str(papers / "broken.docx")])
    assert contents(application) == expected
    assert (again.added, again.unchanged) == (0, FILES)
    application.close()


def test_a_cluster_that_is_away_is_named(tmp_path: Path, server: EmbeddingServer) -> None:
    from kb_server.integrations.ray import RayCluster

    with pytest.raises(ClusterFailed, match=r"127\.0\.0\.1:1"):
        RayCluster("127.0.0.1:1", settings(tmp_path, server))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["ingest", "notes", "a", "--ray"], ["ingest", "notes", "a", "--ray=local"]),
        (["ingest", "--ray", "notes", "a"], ["ingest", "--ray=local", "notes", "a"]),
        (["ingest", "--ray", "auto", "notes", "a"], ["ingest", "--ray", "auto", "notes", "a"]),
        (["ingest", "notes", "a", "--ray", "head:6379"], ["ingest", "notes", "a", "--ray", "head:6379"]),
        (["search", "notes", "--", "--ray"], ["search", "notes", "--", "--ray"]),
    ],
)
def test_the_address_may_be_left_out(given: list[str], taken: list[str]) -> None:
    assert _ray_address(given) == taken
