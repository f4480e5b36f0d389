"""SIGKILL of the server during uploads and chats: what was acknowledged is there afterwards."""

import os
import random
import signal
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Server, events, finished, upload

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "10"))


class Busy:
    """Clients that upload and chat until the server is gone, and remember what it acknowledged."""

    def __init__(self) -> None:
        self.jobs: dict[str, list[str]] = {}
        self.answers: dict[str, tuple[str, str]] = {}
        self._number = 0

    def until_gone(self, server: Server, seconds: float) -> None:
        """Work for a random time, then kill the server while it is at it."""
        threads = [threading.Thread(target=self._repeat, args=(server, work)) for work in (self._upload, self._chat)]
        for thread in threads:
            thread.start()
        killer = threading.Timer(seconds, server.kill)
        killer.start()
        for thread in (*threads, killer):
            thread.join()

    def _repeat(self, server: Server, work: object) -> None:
        with server.client() as client, suppress(httpx.TransportError):
            while True:
                work(client)  # type: ignore[operator]  # one of the two below

    def _upload(self, client: httpx.Client) -> None:
        names = []
        for _ in range(20):
            self._number += 1
            names.append(f"{self._number:05d}.txt")
        files = [("files", (name, f"Machine {name[:5]} stands in hall {int(name[:5]) % 9}.")) for name in names]
        response = client.post("/api/v1/knowledge-bases/halls/documents", files=files)
        assert response.status_code == 202, response.text
        self.jobs[response.json()["id"]] = names

    def _chat(self, client: httpx.Client) -> None:
        question = f"Where does machine {random.randint(1, 200):05d} stand?"
        body = {"knowledge_base": "halls", "question": question, "keep": True}
        with client.stream("POST", "/api/v1/chat", json=body) as response:
            for name, data in events(response):
                if name == "done":
                    self.answers[data["message_id"]] = (data["conversation_id"], data["answer"])


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    server = Server(tmp_path / "home", KB_SERVICE__REQUESTS_PER_MINUTE="1000000")
    with server.client() as client:
        assert client.post("/api/v1/knowledge-bases", json={"name": "halls"}).status_code == 201
    busy = Busy()
    for _ in range(KILLS):
        busy.until_gone(server, random.uniform(0.2, 8))
        server.start()
    with server.client() as client:
        for job_id, names in busy.jobs.items():
            job = finished(client, job_id, 600)
            assert job["state"] == "done"
            assert job["files"]["done"] == len(names)
        documents = client.get("/api/v1/knowledge-bases/halls/documents?limit=1000").json()
        states = {document["name"]: document["state"] for document in documents["documents"]}
        acknowledged = {name for names in busy.jobs.values() for name in names}
        assert acknowledged
        if documents["total"] <= 1000:
            assert {states.get(name) for name in acknowledged} == {"indexed"}
        assert busy.answers
        for message_id, (conversation_id, text) in busy.answers.items():
            kept = client.get(f"/api/v1/conversations/{conversation_id}").json()["messages"]
            assert [turn["content"] for turn in kept if turn["id"] == message_id] == [text]
    print(f"{KILLS} kills, {len(busy.jobs)} uploads of 20 files, {len(busy.answers)} answers: all there")  # noqa: T201
    assert server.stop() == 0


def test_a_stop_lets_an_answer_finish_and_leaves_jobs_to_go_on(tmp_path: Path) -> None:
    server = Server(tmp_path / "home")
    texts = {
        f"{i}.txt": "\n\n".join(f"Machine {i} part {j} is in hall {j % 7}." for j in range(50)) for i in range(300)
    }
    with server.client() as client:
        assert client.post("/api/v1/knowledge-bases", json={"name": "halls"}).status_code == 201
        finished(client, upload(client, "halls", {"first.txt": "The first machine is in hall 3."})["id"])
        job = upload(client, "halls", texts)
        body = {"knowledge_base": "halls", "question": "Where is the first machine?", "mode": "generate", "keep": True}
        with client.stream("POST", "/api/v1/chat", json=body) as response:
            stream = events(response)
            assert next(stream)[0] == "retrieved"
            server.process.send_signal(signal.SIGTERM)
            assert list(stream)[-1][0] == "done"
    assert server.process.wait(60) == 0
    server.start()
    with server.client() as client:
        over = finished(client, job["id"], 600)
        assert (over["state"], over["files"]["done"]) == ("done", 300)
    assert server.stop() == 0
