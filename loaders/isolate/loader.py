"""Reading files in processes of their own, with a limit of time and memory for each file."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError, MissingExtra
from loaders.isolate.progress import OnPage
from loaders.isolate.scratch import scratch
from loaders.isolate.worker import unpack

# The path is set from here: a module that happens to lie in the current folder is never imported.
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from loaders.isolate.worker import serve; "
_START += "serve(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])"

_STARTING = 60.0  # seconds that a new worker may take on a busy machine; they do not count for the file


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one file may take: seconds without finishing a page, and megabytes of memory."""

    seconds: float = 120.0
    megabytes: int = 4096


class IsolatedLoader:
    """Loads files in worker processes, which are kept from file to file; threads may share it.

    A worker is started when a file is there and all others are busy; `close` ends them, whatever they do.
    """

    def __init__(
        self, limits: ReadLimits, target: str = "loaders:load", options: Mapping[str, Any] | None = None
    ) -> None:
        self._limits = limits
        self._command = (target, dict(options or {}))
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._all: set[_Worker] = set()
        self._lock = Lock()
        self._closed = False

    def load(self, path: Path, name: str, on_page: OnPage = lambda _number, _total: None) -> Document:
        """See `loaders.load`; raises LoadError too for a file whose reader hangs, crashes or takes too much memory."""
        worker = self._take()
        try:
            document = worker.load(path, name, self._limits, on_page)
        except _Lost as lost:
            self._end(worker)
            raise LoadError(lost.message, lost.hint) from lost
        except BaseException:
            self._give_back(worker)
            raise
        self._give_back(worker)
        return document

    def close(self) -> None:
        """End every worker; what waits for one gets a LoadError."""
        with self._lock:
            self._closed = True
            workers, self._all = self._all, set()
        for worker in workers:
            worker.end()

    def _take(self) -> "_Worker":
        try:
            return self._idle.get_nowait()
        except Empty:
            with self._lock:
                if self._closed:
                    raise LoadError("Reading was stopped.") from None
                worker = _Worker.start(self._command, self._limits.megabytes << 20)
                self._all.add(worker)
            return worker

    def _give_back(self, worker: "_Worker") -> None:
        if worker.process.poll() is None and worker.is_idle:
            self._idle.put(worker)
        else:
            self._end(worker)

    def _end(self, worker: "_Worker") -> None:
        with self._lock:
            self._all.discard(worker)
        worker.end()


class _Lost(Exception):
    """The worker is of no more use; says what became of the file."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(eq=False, slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    folder: TemporaryDirectory[str]  # for what its parsers write, which one that is killed leaves lying about
    is_idle: bool = field(default=True)
    is_ready: bool = field(default=False)

    @classmethod
    def start(cls, command: tuple[str, dict[str, Any]], memory: int) -> "_Worker":
        ours, theirs = Pipe()
        target, options = command
        folder = scratch("reading")
        values = [json.dumps(sys.path), str(theirs.fileno()), target, str(memory), folder.name]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-P", "-c", _START, *values],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": folder.name},
        )
        theirs.close()
        ours.send_bytes(json.dumps(options).encode())  # not as arguments: other users of the machine see those
        return cls(process, ours, folder)

    def load(self, path: Path, name: str, limits: ReadLimits, on_page: OnPage) -> Document:
        self.is_idle = False
        try:
            self.connection.send_bytes(json.dumps([str(path.absolute()), name]).encode())
            while self.connection.poll(limits.seconds if self.is_ready else max(limits.seconds, _STARTING)):
                kind, *values = json.loads(self.connection.recv_bytes())
                if kind == "ready":
                    self.is_ready = True
                    continue
                if kind == "page":
                    on_page(*values)
                    continue
                self.is_idle = kind != "memory"
                return _result(kind, values, name, limits)
        except (EOFError, OSError) as error:
            raise self._crash(name, limits) from error
        raise _Lost(
            f"'{name}' took more than {limits.seconds:g} seconds for one page or step, and reading it was stopped.",
            "If it only needs longer, raise loading.seconds.",
        )

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()
        self.folder.cleanup()

    def _crash(self, name: str, limits: ReadLimits) -> _Lost:
        status = self.process.wait(timeout=10)
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return _Lost(
            f"'{name}' made its reader crash ({how}).",
            f"It may be damaged, or need more than the {limits.megabytes} MB that loading.memory_mb allows.",
        )


def _result(kind: str, values: list[Any], name: str, limits: ReadLimits) -> Document:
    if kind == "document":
        return unpack(*values)
    if kind == "memory":
        raise _Lost(
            f"'{name}' needs more than {limits.megabytes} MB of memory to be read.",
            "Split it, or raise loading.memory_mb.",
        )
    code, message, hint = values
    raise (MissingExtra if code == MissingExtra.code else LoadError)(message, hint)
