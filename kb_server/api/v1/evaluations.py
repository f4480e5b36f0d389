"""Evaluations of a base: runs over its cases, and how two of them differ."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, CurrentCaller, audited
from kb_server.api.fields import Taken, example
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.documents import Limit, Offset
from kb_server.api.worker import run_folder
from kb_server.catalog.jobs import Job, JobKind
from kb_server.core.answers import AnswerMode
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import NotFound, UsageError
from kb_server.evaluation.compare import compare
from kb_server.evaluation.outcomes import Outcome, outcome_json
from kb_server.evaluation.reports import failure_of
from kb_server.evaluation.run_folder import REPORT, SUMMARY, RunFolder
from kb_server.evaluation.scoring import curve_of, score


class NewRun(Taken):
    """How to answer the cases, and whether the language model judges each statement."""

    model_config = example(mode="extract")

    mode: AnswerMode | None = None
    judge: bool = False


class Run(BaseModel):
    """A run of an evaluation: a job of that id. `result` has the main metrics of one that is done."""

    id: str
    state: Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
    error: str | None
    created: datetime
    finished: datetime | None
    mode: AnswerMode
    judge: bool
    done: int
    total: int
    result: dict[str, Any] | None


class Runs(BaseModel):
    """Runs of a base, newest first."""

    runs: list[Run]


class RunDetail(Run):
    """A run with its whole summary, and its risk-coverage curve as two lists of the same length."""

    summary: dict[str, Any] | None
    coverage: list[float]
    risk: list[float]


class Results(BaseModel):
    """A page of a run's cases as they were answered. `failure` says in two languages what is wrong, null if nothing."""

    results: list[dict[str, Any]]
    total: int


class Difference(BaseModel):
    """A metric in both runs over their `n` common cases; `low` and `high` bound b - a at 95%."""

    n: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    verdict: str


class Comparison(BaseModel):
    """How run b differs from run a."""

    a: str
    b: str
    n: int
    only_in_a: int
    only_in_b: int
    metrics: dict[str, Difference]


router = APIRouter(prefix="/api/v1/knowledge-bases/{base}/evaluations", tags=["evaluations"])

RunId = Annotated[str, Path(max_length=64)]

_SHOWN = 200


@router.get("")
def list_runs(base: CurrentBase, service: CurrentService) -> Runs:
    """List the runs of a base, newest first."""
    return Runs(runs=[_run(job) for job in service.app.jobs.of_bases([base.id], _SHOWN, [JobKind.EVALUATE])])


@router.post("", status_code=202, dependencies=[audited("evaluation.start", Scope.WRITE)])
def start_run(new: NewRun, base: CurrentBase, service: CurrentService, caller: CurrentCaller) -> Run:
    """Begin to answer all cases of the base; the run is a job under its id."""
    if not service.app.catalog.evaluation_cases(base).count():
        raise UsageError(f"'{base.name}' has no cases to be evaluated with.", "Make some: POST …/cases/make")
    mode = new.mode or service.app.settings.answering.mode
    request = {"mode": mode.value, "judge": new.judge}
    return _run(service.app.jobs.submit_task(base.id, caller.id, JobKind.EVALUATE, request))


@router.get("/{run_id}")
def get_run(base: CurrentBase, service: CurrentService, run_id: RunId) -> RunDetail:
    """Return a run with its summary, null until it is done."""
    job = _find(service, base, run_id)
    folder = run_folder(service.app, base, job.id)
    summary = folder.text(SUMMARY)
    curve = curve_of(_outcomes(folder)) if summary else None
    coverage, risk = (curve.coverage.tolist(), curve.risk.tolist()) if curve else ([], [])
    shown = json.loads(summary) if summary else None
    return RunDetail(**_run(job).model_dump(), summary=shown, coverage=coverage, risk=risk)


@router.get("/{run_id}/results")
def list_results(
    base: CurrentBase,
    service: CurrentService,
    run_id: RunId,
    limit: Limit = 100,
    offset: Offset = 0,
    failing: Annotated[bool, Query()] = False,
) -> Results:
    """Return the cases as they were answered, with `failing` only those that went wrong."""
    folder = run_folder(service.app, base, _find(service, base, run_id).id)
    rows = [_result(outcome) for outcome in _outcomes(folder)]
    chosen = [row for row in rows if row["failure"] or not failing]
    return Results(results=chosen[offset : offset + limit], total=len(chosen))


@router.get("/{run_id}/report", response_class=Response)
def get_report(base: CurrentBase, service: CurrentService, run_id: RunId) -> Response:
    """Return the run's report, one HTML file, as a download."""
    report = run_folder(service.app, base, _find(service, base, run_id).id).text(REPORT)
    if report is None:
        raise NotFound(f"The run '{run_id}' has no report yet.", "It is written when the run is done.")
    headers = {"Content-Disposition": 'attachment; filename="report.html"'}
    return Response(report, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/{run_id}/compare/{other_id}")
def compare_runs(base: CurrentBase, service: CurrentService, run_id: RunId, other_id: RunId) -> Comparison:
    """Say how the second run differs from the first, with 95% intervals of each difference."""
    first, second = (_done(service, base, id_) for id_ in (run_id, other_id))
    if not set(first.outcomes()) & set(second.outcomes()):
        raise UsageError("These runs have no case in common.", "Compare runs over the same cases.")
    return Comparison(a=run_id, b=other_id, **asdict(compare(first, second)))


@router.delete("/{run_id}", status_code=204, dependencies=[audited("evaluation.delete", Scope.WRITE)])
def delete_run(base: CurrentBase, service: CurrentService, run_id: RunId) -> Response:
    """Delete a run that is over."""
    job = _find(service, base, run_id)
    service.app.jobs.delete(job.id)
    run_folder(service.app, base, job.id).delete()
    return Response(status_code=204)


def _find(service: Service, base: KnowledgeBase, run_id: str) -> Job:
    job = service.app.jobs.find(run_id)
    if job.base_id != base.id or job.kind is not JobKind.EVALUATE:
        raise NotFound(f"There is no run '{run_id}' of this knowledge base.", "List them with: GET …/evaluations")
    return job


def _done(service: Service, base: KnowledgeBase, run_id: str) -> RunFolder:
    folder = run_folder(service.app, base, _find(service, base, run_id).id)
    if folder.text(SUMMARY) is None:
        raise UsageError(f"The run '{run_id}' is not done.", "Wait for it; its state is in the job of that id.")
    return folder


def _outcomes(folder: RunFolder) -> Sequence[Outcome]:
    return score(list(folder.outcomes().values()))


def _result(outcome: Outcome) -> dict[str, Any]:
    failure = failure_of(outcome)
    return {**outcome_json(outcome), "failure": dict(zip(("en", "zh"), failure, strict=True)) if failure else None}


def _run(job: Job) -> Run:
    request = job.request or {}
    return Run(
        id=job.id,
        state=job.state.value,
        error=job.error,
        created=job.created,
        finished=job.finished,
        mode=AnswerMode(request["mode"]),
        judge=bool(request["judge"]),
        done=job.done,
        total=job.total,
        result=None if job.result is None else dict(job.result),
    )
