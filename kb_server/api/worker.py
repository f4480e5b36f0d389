"""The process beside a server that runs its jobs, so that reading and embedding files never holds up an answer."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection
from threading import Event, Thread
from typing import Any

from kb_server.api.errors import public_message
from kb_server.api.job_works import works
from kb_server.app import Application
from kb_server.catalog.jobs import JobKind
from kb_server.config.settings import Settings
from kb_server.jobs.runner import JobRunner
from kb_server.runtime.logs import log_json_lines

logger = logging.getLogger(__name__)

_NICENESS = 10  # answers come first
_RESTART_SECONDS = 1.0
_OF_FILES = (JobKind.INGEST, JobKind.FETCH)
_LONG = (JobKind.EVALUATE, JobKind.REINDEX, JobKind.MIGRATE, JobKind.KNN, JobKind.QUESTIONS)


class Worker:
    """Keeps one such process running. If it dies, another goes on with its job; if the server dies, it stops."""

    def __init__(self, settings: Settings) -> None:
        self._values = settings.model_dump()
        self._context = multiprocessing.get_context("spawn")
        self._stop = Event()
        self._thread = Thread(target=self._keep_running, name="worker-keeper")

    def start(self) -> None:
        """Start the process."""
        self._thread.start()

    def stop(self) -> None:
        """Let the process finish its step and end; what it leaves is gone on with next time."""
        self._stop.set()
        self._thread.join()

    def _keep_running(self) -> None:
        while not self._stop.is_set():
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=run_jobs, args=(self._values, theirs), name="kb-worker")
            process.start()
            theirs.close()
            while process.is_alive() and not self._stop.wait(0.2):
                pass
            ours.close()
            process.join()
            if not self._stop.is_set():
                logger.error("the worker died", extra={"exit_code": process.exitcode})
                self._stop.wait(_RESTART_SECONDS)


def run_jobs(values: Mapping[str, Any], alive: Connection) -> None:
    """Run jobs until the other end of the pipe is closed, by the server or by its death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the server says when to stop
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_NICENESS)
    log_json_lines()
    stop = Event()
    Thread(target=_watch, args=(alive, stop), daemon=True).start()
    app = Application(Settings(**values))
    try:
        _run(app, stop)
    finally:
        app.close()


def _run(app: Application, stop: Event) -> None:
    """Run the jobs made of files, and beside them those that may take hours, each sort in turn."""
    runner = JobRunner(app.catalog.jobs, app.ingest.uploads, works(app), public_message)

    def run_long() -> None:
        try:
            runner.run_until(stop, _LONG)
        finally:
            stop.set()  # if it broke, all ends and is begun anew

    long = Thread(target=run_long, name="long-jobs")
    long.start()
    try:
        runner.run_until(stop, _OF_FILES)
    finally:
        stop.set()
        long.join()


def _watch(alive: Connection, stop: Event) -> None:
    try:
        alive.recv()
    except (EOFError, OSError):
        stop.set()
