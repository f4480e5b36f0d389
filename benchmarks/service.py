"""The service under load, and what HTTP costs.

python -m benchmarks.service overhead                    # a search in process and over HTTP, side by side
python -m benchmarks.service answers                     # the questions on the samples, of a warm server
python -m benchmarks.service load --seconds 60           # 64 searching, 8 chatting, 1,000 documents ingesting
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import httpx

from benchmarks.report import save

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("kb")
SUBJECTS = "pump valve filter motor sensor belt lamp gate press tank".split()


class Running:
    """`kb serve` in a home of its own."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "KB_HOME": str(home), "KB_SERVICE__REQUESTS_PER_MINUTE": "10000000"}
        self._log = (home.parent / "service.log").open("w")
        self.process = subprocess.Popen(
            [COMMAND, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        shown = ""
        while "http://" not in shown:
            shown += self.process.stdout.readline()
        key = re.search(r"kb_\S+", shown)
        self.url = re.search(r"http://\S+", shown).group()  # type: ignore[union-attr]  # the loop saw it
        self.headers = {"Authorization": f"Bearer {key.group()}"} if key else {}

    def client(self) -> httpx.Client:
        """Return a client with the administrator's key."""
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=120)

    def megabytes(self) -> int:
        """Return the server's resident memory, without its worker's."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024  # type: ignore[union-attr]  # Linux has it

    def stop(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(60)
        self._log.close()


def paper(number: int) -> str:
    """Return a document of some ten chunks."""
    draw = random.Random(number)
    lines = []
    for part in range(40):
        thing, other, day, bar = (
            draw.choice(SUBJECTS),
            draw.choice(SUBJECTS),
            draw.randint(1, 365),
            draw.randint(10, 99),
        )
        lines.append(
            f"The {thing} number {number}-{part} was checked on day {day} by team {part % 7}, who found a pressure of "
            f"{bar} bar and changed the {other} afterwards."
        )
    return "\n\n".join(lines)


def question() -> str:
    """Return a question that hardly any cache has."""
    return f"When was the {random.choice(SUBJECTS)} number {random.randint(0, 999)}-{random.randint(0, 39)} checked?"


def upload(client: httpx.Client, base: str, numbers: range) -> str:
    """Upload documents; returns the job's id."""
    files = [("files", (f"{number:04d}.txt", paper(number))) for number in numbers]
    response = client.post(f"/api/v1/knowledge-bases/{base}/documents", files=files)
    response.raise_for_status()
    return str(response.json()["id"])


def wait(client: httpx.Client, job: str) -> None:
    """Wait for a job."""
    while client.get(f"/api/v1/jobs/{job}").json()["state"] not in ("done", "failed"):
        time.sleep(0.3)


def overhead(rounds: int) -> None:
    """Print the median of a search in process, over HTTP, and the difference."""
    from kb_server.bootstrap import Application
    from kb_server.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        running = Running(home)
        app = Application(Settings(home=home))
        with running.client() as client:
            client.post("/api/v1/knowledge-bases", json={"name": "papers"})
            wait(client, upload(client, "papers", range(10)))
            asked = {"knowledge_bases": ["papers"], "question": "When was the pump checked?", "k": 5}
            within: list[float] = []
            over: list[float] = []
            for round_ in range(rounds + 20):  # the first ones load models and fill caches
                started = time.perf_counter()
                app.retriever("papers").retrieve(str(asked["question"]), 5)
                middle = time.perf_counter()
                client.post("/api/v1/search", json=asked)
                if round_ >= 20:
                    within.append(1000 * (middle - started))
                    over.append(1000 * (time.perf_counter() - middle))
        app.close()
        running.stop()
    extra = [b - a for a, b in zip(within, over, strict=True)]
    print(f"in process {median(within):.2f} ms, over HTTP {median(over):.2f} ms, overhead p50 {median(extra):.2f} ms")


def answers() -> None:
    """Print how long the samples' questions take from sending one to the end of its answer."""
    cases = (ROOT / "tests" / "data" / "samples.cases.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(case)["question"] for case in cases]
    samples = sorted(path for path in (ROOT / "knowledge_base" / "samples").iterdir() if path.is_file())
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "home")
        with running.client() as client:
            client.post("/api/v1/knowledge-bases", json={"name": "samples"})
            files = [("files", (path.name, path.read_bytes())) for path in samples]
            job = client.post("/api/v1/knowledge-bases/samples/documents", files=files).raise_for_status().json()["id"]
            wait(client, job)
            for question in questions[:5]:
                answer(client, "samples", question)
            seconds = []
            for question in questions:
                started = time.perf_counter()
                status, _ = answer(client, "samples", f"{question} ")  # the space: no cache has met it
                seconds.append(time.perf_counter() - started)
                assert status == 200, question  # noqa: S101 - a benchmark of answers
        running.stop()
    p50, p95 = 1000 * median(seconds), 1000 * quantiles(seconds, n=20)[-1]
    print(f"{len(seconds)} questions, extract: p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    save("answers", {"p50": p50, "p95": p95, "questions": len(seconds)})


Work = Callable[[httpx.Client], tuple[int, float]]  # returns the status, and Retry-After in seconds


class Crowd:
    """Clients that repeat one thing until told to stop; what they got and how long it took."""

    def __init__(self, running: Running, size: int, work: "Work") -> None:
        self.statuses: Counter[int | str] = Counter()
        self.seconds: list[float] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(running, work)) for _ in range(size)]

    def start(self) -> None:
        """Let them in."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send them home."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, running: Running, work: "Work") -> None:
        with running.client() as client:
            while not self._stop.is_set():
                started = time.perf_counter()
                status: int | str
                try:
                    status, pause = work(client)
                except httpx.TransportError as error:
                    status, pause = type(error).__name__, 1.0
                self.statuses[status] += 1
                if status == 200:
                    self.seconds.append(time.perf_counter() - started)
                else:
                    self._stop.wait(pause)


def search(client: httpx.Client) -> tuple[int, float]:
    """Search once."""
    body = {"knowledge_bases": ["papers"], "question": question()}
    response = client.post("/api/v1/search", json=body)
    return response.status_code, pause_of(response)


def chat(client: httpx.Client) -> tuple[int, float]:
    """Ask once about the papers."""
    return answer(client, "papers", question())


def answer(client: httpx.Client, base: str, asked: str) -> tuple[int, float]:
    """Ask, and read the stream to its end; a stream that breaks off counts as 599."""
    with client.stream("POST", "/api/v1/chat", json={"knowledge_base": base, "question": asked}) as response:
        text = "".join(response.iter_text())
    whole = "event: done" in text or response.status_code != 200
    return response.status_code if whole else 599, pause_of(response)


def pause_of(response: httpx.Response) -> float:
    """Return how long a refused client is asked to wait."""
    return float(response.headers.get("Retry-After", 1))


def load(seconds: int, searchers: int, chatters: int, documents: int) -> None:
    """Print what a crowd got while documents were ingested."""
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "home")
        with running.client() as client:
            client.post("/api/v1/knowledge-bases", json={"name": "papers"})
            wait(client, upload(client, "papers", range(20)))
            chat(client)
            idle: list[float] = []
            for _ in range(60):
                started = time.perf_counter()
                search(client)
                idle.append(time.perf_counter() - started)
            before = running.megabytes()
            job = upload(client, "papers", range(20, 20 + documents))
            crowds = {"search": Crowd(running, searchers, search), "chat": Crowd(running, chatters, chat)}
            for crowd in crowds.values():
                crowd.start()
            time.sleep(seconds)
            for crowd in crowds.values():
                crowd.stop()
            done = client.get(f"/api/v1/jobs/{job}").json()["files"]["done"]
            after = running.megabytes()
        running.stop()
    print(f"idle search p50 {1000 * median(idle):.0f} ms; memory {before} -> {after} MB; {done} documents ingested")
    for name, crowd in crowds.items():
        p95 = quantiles(crowd.seconds, n=20)[-1]
        print(f"{name}: {dict(crowd.statuses)}, p50 {1000 * median(crowd.seconds):.0f} ms, p95 {1000 * p95:.0f} ms")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("overhead", "answers", "load"))
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--searchers", type=int, default=64)
    parser.add_argument("--chatters", type=int, default=8)
    parser.add_argument("--documents", type=int, default=1000)
    given = parser.parse_args()
    if given.what == "overhead":
        overhead(given.rounds)
    elif given.what == "answers":
        answers()
    else:
        load(given.seconds, given.searchers, given.chatters, given.documents)


if __name__ == "__main__":
    main()
