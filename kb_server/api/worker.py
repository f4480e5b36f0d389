"""The process beside a server that runs its jobs, so that reading and embedding files never holds up an answer."""

import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any

from kb_server.api.errors import public_message
from kb_server.app import Application
from kb_server.catalog.jobs import Job, JobKind
from kb_server.config.settings import Settings
from kb_server.core.answers import AnswerMode
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import UsageError
from kb_server.evaluation.evaluate import EvaluationOptions, Evaluator
from kb_server.evaluation.make_cases import add_cases, case_content, make_cases
from kb_server.evaluation.run_folder import RunFolder
from kb_server.ingest.recut import recut_json
from kb_server.jobs.runner import FetchWork, IngestWork, JobControl, JobRunner, Work
from kb_server.runtime.logs import log_json_lines

_SHOWN = ("n", "retrieval", "answers")


def works(app: Application) -> dict[JobKind, Work]:
    """Return what does each kind of job."""
    return {
        JobKind.INGEST: IngestWork(app.catalog.jobs, app.ingest.uploads, app.ingest.pipeline),
        JobKind.FETCH: FetchWork(
            app.catalog.jobs,
            app.ingest.uploads,
            app.ingest.pipeline,
            lambda: app.ingest.crawler,
            lambda name: app.bases.quota(app.bases.find(name)),
        ),
        JobKind.EVALUATE: _of(app, _evaluate),
        JobKind.REINDEX: _of(app, _reindex),
        JobKind.MIGRATE: _of(app, _migrate),
        JobKind.KNN: _of(app, _knn),
        JobKind.QUESTIONS: _of(app, _questions),
    }


def run_folder(app: Application, base: KnowledgeBase, run_id: str) -> RunFolder:
    """Return where a run of an evaluation is kept."""
    return RunFolder(app.bases.files(base).evaluations / run_id)


Task = Callable[[Application, Job, JobControl], Mapping[str, Any]]


def _of(app: Application, task: Task) -> Work:
    return lambda job, control: task(app, job, control)


def _evaluate(app: Application, job: Job, control: JobControl) -> Mapping[str, Any]:
    request = job.request or {}
    base = app.bases.find(job.base)
    cases = _written_cases(app, base, app.ingest.uploads.file(job.id, job.id))
    folder = run_folder(app, base, job.id)
    options = EvaluationOptions(cases, folder.path, AnswerMode(request["mode"]), judge=bool(request["judge"]))
    evaluator = Evaluator(app, base.name)
    folder.forget_other(evaluator.setup(options))
    try:
        summary = evaluator.run(options, control.progress).summary
    finally:
        cases.unlink(missing_ok=True)
    return {key: summary[key] for key in _SHOWN}


def _reindex(app: Application, job: Job, control: JobControl) -> Mapping[str, Any]:
    request = job.request or {}
    if "splitting" in request:
        report = app.ingest.recut(
            job.base, request["splitting"], drop_edits=bool(request["drop_edits"]), on_done=control.progress
        )
        return {**recut_json(report), "splitting": asdict(app.ingest.splitting(app.bases.find(job.base)))}
    base = app.bases.reindex(job.base, request["embedder"], control.progress)
    return {"embedder": base.embedder, "dimension": base.dimension}


def _migrate(app: Application, job: Job, control: JobControl) -> Mapping[str, Any]:
    return {"store": app.bases.migrate(job.base, (job.request or {})["store"], control.progress).store}


def _knn(app: Application, job: Job, control: JobControl) -> Mapping[str, Any]:
    request = job.request or {}
    anew = bool(request["anew"]) and job.done == 0  # a job that goes on has begun again already
    whole = 0

    def tell(done: int, count: int) -> None:
        nonlocal whole
        whole = count
        control.progress(done, count)

    result: dict[str, Any] = {**asdict(app.knn_lm.of(job.base).build(anew, tell)), "tuned": None}
    control.progress(whole, whole)
    if request["tune"]:
        control.check()
        result["tuned"] = asdict(app.knn_lm.measurement(job.base).tune())
    return result


def _questions(app: Application, job: Job, control: JobControl) -> Mapping[str, Any]:
    request, rows = job.request or {}, app.catalog.evaluation_cases(app.bases.find(job.base))
    sizes, seed = (int(request["answerable"]), int(request["unanswerable"])), int(request["seed"])
    cases = make_cases(app, job.base, sizes, seed, written=True, model=request["model"], on_done=control.progress)
    add_cases(rows, [case_content(case) for case in cases])
    return {"cases": len(cases), "written": sum(case.kind == "written" for case in cases)}


def _written_cases(app: Application, base: KnowledgeBase, file: Path) -> Path:
    rows = app.catalog.evaluation_cases(base).all()
    if not rows:
        raise UsageError(f"'{base.name}' has no cases to be evaluated with.", "Make some: POST …/cases/make")
    lines = [json.dumps({**content, "id": str(id_)}, ensure_ascii=False) for id_, content in rows]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


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
            stop.set()  # if it broke, all ends and is begun again

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
