"""How home-0.1.zip was made: a data root as version 0.1.0 left it, in the middle of its work.

Run once, in a checkout of commit a266322 (the last one before the files moved) into which this file was copied:
`python -m tests.data.make_home home-0.1.zip`. It holds a base with what a base may have, a job that waits with its
file, two imports that were killed, before their documents counted and before the base got its name, and a throwaway
key in the file `key`.
"""

import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import httpx

from tests.api.conftest import HANDBOOK, Server, finished, upload

SHARED = "The canteen serves lunch from noon to half past one, and closes on public holidays."
FIRST = {
    **HANDBOOK,
    "notice-a.txt": f"{SHARED}\n",
    "notice-b.txt": f"{SHARED}\n",
    "owl.txt": "The owl sleeps by day. It hunts mice in the barn.\n",
    "tea.txt": "Tea is served at four.\n",
}
QUEUED = {"waits.txt": "The winter tyres are kept in hall 7, behind the blue gate.\n"}
KILLED_IMPORT = """
import os, signal
from kb_server.catalog.bases import Bases
from kb_server.services.open_base import OpenBase
{step} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from kb_server.cli import run
run(["import", {archive!r}, "--name", {name!r}])
"""


def main(target: Path) -> None:
    """Make a home, and pack it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        server = Server(home)
        with server.client() as client:
            fill(client)
            server.kb("export", "handbook", f"{folder}/handbook.zip")
            for name, step in {"half": "OpenBase.publish", "nameless": "Bases.switch"}.items():
                program = KILLED_IMPORT.format(step=step, archive=f"{folder}/handbook.zip", name=name)
                ended = subprocess.run([sys.executable, "-c", program], env=server.environment, check=False)
                assert ended.returncode == -signal.SIGKILL
            workers = children(server.process.pid)
            for process in workers:
                os.kill(process, signal.SIGSTOP)
            upload(client, "handbook", QUEUED)
        server.process.kill()  # before its workers: it would start others
        for process in workers:
            os.kill(process, signal.SIGKILL)
        server.process.wait()
        (Path(folder) / "key").write_text(server.key)
        pack(Path(folder), target)


def fill(client: httpx.Client) -> None:
    """Put into a base what one may have."""
    place = "/api/v1/knowledge-bases/handbook"
    client.post("/api/v1/knowledge-bases", json={"name": "handbook", "description": "Devices and travel 设备与出差"})
    finished(client, upload(client, "handbook", FIRST)["id"])
    ids = {one["name"]: one["id"] for one in client.get(f"{place}/documents").json()["documents"]}
    client.put(f"{place}/documents/{ids['出差.txt']}/tags", json={"tags": ["travel", "2026"]}).raise_for_status()

    client.post(f"{place}/snapshots", json={"name": "before"}).raise_for_status()
    finished(client, upload(client, "handbook", {"tea.txt": "Tea is served at five.\n"})["id"])
    client.delete(f"{place}/documents/{ids['notice-b.txt']}").raise_for_status()
    finished(client, upload(client, "handbook", {"notice-c.txt": f"{SHARED}\n"})["id"])

    (owl,) = client.get(f"{place}/documents/{ids['owl.txt']}/chunks").json()["chunks"]
    edit = {"text": "The eagle sleeps by night. It weighs 6 kilograms."}
    client.patch(f"{place}/chunks/{owl['chunk_id']}", json=edit).raise_for_status()

    asked = {"knowledge_base": "handbook", "mode": "extract", "stream": False}
    first = client.post("/api/v1/chat", json={**asked, "question": "How is the device reset?", "keep": True}).json()
    more = {"question": "报销单由谁签字？", "conversation_id": first["conversation_id"]}
    rated = client.post("/api/v1/chat", json={**asked, **more}).json()["message_id"]
    client.post("/api/v1/feedback", json={"message_id": rated, "score": 90}).raise_for_status()

    cases = [
        {"question": "Where are new filters kept?", "answers": ["B12"], "documents": ["device.txt"]},
        {"question": "Who won the cup in 1998?", "answerable": False},
    ]
    client.post(f"{place}/cases", json={"cases": cases}).raise_for_status()
    finished(client, client.post(f"{place}/evaluations", json={"mode": "extract"}).json()["id"])
    locked: dict[str, bytes | str] = {"broken.pdf": b"%PDF-1.7\nthis is not one"}
    finished(client, upload(client, "handbook", locked)["id"])


def children(process: int) -> list[int]:
    """Return the processes that one started, and those that these did."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in listed] + [grandchild for child in listed for grandchild in children(int(child))]


def pack(folder: Path, target: Path) -> None:
    """Write the home and its key into an archive."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in [folder / "key", *sorted((folder / "home").rglob("*"))]:
            archive.write(path, path.relative_to(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
