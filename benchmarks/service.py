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
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks.crowd import SUBJECTS, question, searching
from benchmarks.report import save

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("kb")


class Running:
    """`kb serve` in a home of its own."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "KB_HOME": str(home), "KB_SERVICE__REQUESTS_PER_MINUTE": "10000000"}
        self._file = home.parent / "service.log"
        self._log = self._file.open("w")
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

    def processor_seconds(self) -> float:
        """Return what the server has computed so far, without its worker."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def own_milliseconds(self) -> list[float]:
        """Return how long each search that was answered took by the server's own log."""
        lines = [json.loads(line) for line in self._file.read_text("utf-8").splitlines() if line.startswith("{")]
        return [line["ms"] for line in lines if line.get("route") == "/api/v1/search" and line["status"] == 200]

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
    from kb_server.app import Application
    from kb_server.config.settings import Settings

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
                app.search.retriever("papers").retrieve(str(asked["question"]), 5)
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
            for asked in questions[:5]:
                answer(client, "samples", asked)
            seconds = []
            for asked in questions:
                started = time.perf_counter()
                whole = answer(client, "samples", f"{asked} ")  # the space: no cache has met it
                seconds.append(time.perf_counter() - started)
                assert whole, asked  # noqa: S101 - a benchmark of answers
        running.stop()
    p50, p95 = 1000 * median(seconds), 1000 * quantiles(seconds, n=20)[-1]
    print(f"{len(seconds)} questions, extract: p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    save("answers", {"p50": p50, "p95": p95, "questions": len(seconds)})


def answer(client: httpx.Client, base: str, asked: str) -> bool:
    """Ask, and read the stream to its end; tells whether there was a whole answer."""
    with client.stream("POST", "/api/v1/chat", json={"knowledge_base": base, "question": asked}) as response:
        return "event: done" in "".join(response.iter_text()) and response.status_code == 200


def load(seconds: int, searchers: int, chatters: int, documents: int) -> None:
    """Print what a crowd got while documents were ingested."""
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "home")
        with running.client() as client:
            client.post("/api/v1/knowledge-bases", json={"name": "papers"})
            wait(client, upload(client, "papers", range(20)))
            answer(client, "papers", question())
            idle = []
            for _ in range(60):
                started = time.perf_counter()
                client.post("/api/v1/search", json=searching()).raise_for_status()
                idle.append(time.perf_counter() - started)
            quiet = running.own_milliseconds()
            job = upload(client, "papers", range(20, 20 + documents))
            spent = running.processor_seconds()
            got, memory = crowd(running, [searchers, chatters, seconds])
            spent = running.processor_seconds() - spent
            done = client.get(f"/api/v1/jobs/{job}").json()["files"]["done"]
            own = running.own_milliseconds()[len(quiet) :]
        running.stop()
    clock = [1000 * value for value in idle]
    figures = {"idle": spread(clock), "own idle": spread(quiet), "own": spread(own), "documents": done, "MB": memory}
    for name in ("search", "chat"):
        figures[name] = got[name]["statuses"]
        figures[f"{name} ms"] = spread([1000 * value for value in got[name]["seconds"]])
    figures["processor"] = {"server": round(spent, 1), "clients": round(got["processor"], 1)}
    for name, value in figures.items():
        print(f"{name}: {value}")
    save("load", figures)


def crowd(running: Running, sizes: list[int]) -> tuple[dict[str, Any], list[int]]:
    """Let a crowd in, in a process of its own; returns what it tells, and the server's memory in ten moments."""
    key = running.headers["Authorization"].split()[1]
    command = [sys.executable, "-m", "benchmarks.crowd", running.url.rpartition(":")[2], key, *map(str, sizes)]
    memory = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        for _ in range(10):
            time.sleep(sizes[-1] / 10)
            memory.append(running.megabytes())
        return json.loads(process.communicate()[0]), memory


def spread(milliseconds: list[float]) -> dict[str, float]:
    """Return p50, p95 and p99."""
    parts = quantiles(milliseconds, n=100)
    return {"p50": round(median(milliseconds), 1), "p95": round(parts[94], 1), "p99": round(parts[98], 1)}


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
