"""A real server process with its worker, and clients for it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

HANDBOOK: dict[str, bytes | str] = {
    "device.txt": (
        "To reset the device, hold the red button for seven seconds. The lamp turns green when the reset is done.\n\n"
        "A reset is needed after every change of the filter. Nothing that was measured is lost.\n\n"
        "The filter is changed every 400 hours. New filters are kept in cabinet B12.\n"
    ),
    "出差.txt": "出差回来后，最晚三十天之内要交报销单。\n\n报销单由部门经理签字，然后交给财务处。\n",
}
PROGRAM = b"\x7fELF\x02\x01\x01" + b"\0" * 50
COMMAND = Path(sys.executable).with_name("kb")


class Server:
    """`kb serve` in a process and a home of its own. Its standard error, one JSON object a line, is in `log`."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.log = home.parent / f"{home.name}.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KB_", "LC_", "LANG"))}
        self.environment = {**kept, "KB_HOME": str(home), "OMP_NUM_THREADS": "1", **environment}
        self.key = ""
        self.process = self._start()

    def client(self, key: str | None = None) -> httpx.Client:
        """Return a client with the first key, or another; without any for the empty string."""
        key = self.key if key is None else key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=240)

    def kb(self, *arguments: str) -> Any:  # noqa: ANN401 - parsed JSON
        """Run a command in the same home and return what it printed."""
        done = subprocess.run(
            [COMMAND, *arguments, "--json"], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def new_key(self, scope: str, *bases: str) -> str:
        """Make a key."""
        options = [option for base in bases for option in ("--base", base)]
        key: str = self.kb("keys", "create", "test", "--scope", scope, *options)["key"]
        return key

    def logged(self) -> list[dict[str, Any]]:
        """Return what was logged so far."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def kill(self) -> None:
        """End the process without a word; its worker notices and ends too."""
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self, timeout: float = 60) -> int:
        """Ask the process to stop and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout)
        return self._end()

    def start(self) -> None:
        """Start again in the same home."""
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [COMMAND, "serve", "--port", "0"], env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdout is not None
        for line in process.stdout:
            if shown := re.search(r"kb_\S+", line):
                self.key = shown.group()
            if address := re.search(r"http://\S+", line):
                self.url = address.group()
                watchdog.cancel()
                return process
        watchdog.cancel()
        raise AssertionError(self.log.read_text("utf-8"))

    def _end(self) -> int:
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.wait(30)


def upload(client: httpx.Client, base: str, files: Mapping[str, bytes | str]) -> Any:  # noqa: ANN401 - parsed JSON
    """Upload files and return the job as it was acknowledged."""
    parts = [("files", (name, content)) for name, content in files.items()]
    response = client.post(f"/api/v1/knowledge-bases/{base}/documents", files=parts)
    assert response.status_code == 202, response.text
    return response.json()


def finished(client: httpx.Client, job_id: str, seconds: float = 240) -> Any:  # noqa: ANN401 - parsed JSON
    """Wait for a job and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = client.get(f"/api/v1/jobs/{job_id}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.1)
    raise AssertionError(job)


def gone(path: Path) -> bool:
    """Say whether a file or folder is gone, after a moment for the server to remove it."""
    for _ in range(50):
        if not path.exists():
            return True
        time.sleep(0.1)
    return False


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Yield (name, data) of a stream of events."""
    name = "message"
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = line.removeprefix("data: ")
            yield name, data if data == "[DONE]" else json.loads(data)
            name = "message"


def problem(response: httpx.Response, status: int, code: str) -> Any:  # noqa: ANN401 - parsed JSON
    """Check that a response is this problem, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["code"] == code, found
    assert found["status"] == status
    assert found["detail"]
    assert found["request_id"] == response.headers["x-request-id"]
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that the fast tests share; each test makes a base of its own."""
    running = Server(tmp_path_factory.mktemp("service") / "home", KB_SERVICE__REQUESTS_PER_MINUTE="100000")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def admin(server: Server) -> Iterator[httpx.Client]:
    """Return a client with the administrator's key."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def handbook(admin: httpx.Client) -> str:
    """Return a base with two documents, one English and one Chinese."""
    assert admin.post("/api/v1/knowledge-bases", json={"name": "handbook"}).status_code == 201
    job = finished(admin, upload(admin, "handbook", HANDBOOK)["id"])
    assert (job["state"], job["files"]["done"]) == ("done", 2), job
    return "handbook"


@pytest.fixture
def empty(admin: httpx.Client, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return an empty base of this test's own."""
    name = re.sub(r"\W+", "-", request.node.name)[:50].strip("-_")
    assert admin.post("/api/v1/knowledge-bases", json={"name": name}).status_code == 201
    yield name
    admin.delete(f"/api/v1/knowledge-bases/{name}")
