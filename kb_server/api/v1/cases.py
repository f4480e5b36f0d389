"""Questions that a base is evaluated with."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, CurrentCaller, audited
from kb_server.api.fields import Question, Taken, example, speakable
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.documents import Limit, Offset
from kb_server.api.v1.jobs import JobDetail, job_json
from kb_server.catalog.jobs import JobKind
from kb_server.core.domain import KnowledgeBase
from kb_server.evaluation.make_cases import add_cases, case_content, make_cases

_Text = Annotated[str, Field(max_length=4000), AfterValidator(speakable)]

_Texts = Annotated[tuple[_Text, ...], Field(max_length=50)]


class NewCase(Taken):
    """A question whose answer is known.

    `answers` are wordings of which one suffices; `parts`, if there are any, must all be in an answer, each in one of
    its wordings; `documents` are those that hold the answer; `kind` groups cases of one sort.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "Who signs?", "answers": ["Anna"], "documents": ["a.txt"]}]}
    )

    question: Question
    answers: _Texts = ()
    documents: _Texts = ()
    answerable: bool = True
    parts: Annotated[tuple[_Texts, ...], Field(max_length=50)] = ()
    kind: Annotated[str, Field(max_length=64)] = ""


class NewCases(Taken):
    """Cases to add."""

    model_config = example(cases=[{"question": "Who signs?", "answers": ["Anna"], "documents": ["a.txt"]}])

    cases: Annotated[list[NewCase], Field(min_length=1, max_length=2000)]


class Case(NewCase):
    """A case under its id."""

    id: int


class Cases(BaseModel):
    """A page of a base's cases, in the order they were added."""

    cases: list[Case]
    total: int


class MakeCases(Taken):
    """How many questions to make from a base's own text, with an answer in it and without; a seed gives the same."""

    model_config = example(answerable=20, unanswerable=5)

    answerable: Annotated[int, Field(ge=0, le=500)] = 20
    unanswerable: Annotated[int, Field(ge=0, le=500)] = 5
    seed: Annotated[int, Field(ge=0, le=1 << 31)] = 0


class WriteCases(MakeCases):
    """The same, with questions worded by a language model: one of the settings by its name, or the first."""

    model_config = example(answerable=20, unanswerable=5, model="glm4")

    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None


router = APIRouter(prefix="/api/v1/knowledge-bases/{base}/cases", tags=["evaluations"])

CaseId = Annotated[int, Path(ge=1, le=(1 << 63) - 1)]


@router.get("")
def list_cases(base: CurrentBase, service: CurrentService, limit: Limit = 100, offset: Offset = 0) -> Cases:
    """List the cases of a base."""
    rows = service.app.catalog.evaluation_cases(base)
    return Cases(cases=[_case(id_, content) for id_, content in rows.all(limit, offset)], total=rows.count())


@router.post("", status_code=201, dependencies=[audited("cases.add", Scope.WRITE)])
def add(new: NewCases, base: CurrentBase, service: CurrentService) -> Cases:
    """Add cases."""
    return _added(service, base, [case.model_dump(mode="json") for case in new.cases])


@router.post("/make", status_code=201, dependencies=[audited("cases.make", Scope.WRITE)])
async def make(asked: MakeCases, base: CurrentBase, service: CurrentService) -> Cases:
    """Make cases from the base's own text, without a model, and add them; read them through."""
    sizes = (asked.answerable, asked.unanswerable)
    return await service.searches.run(lambda: _made(service, base, sizes, asked.seed))


@router.post("/write", status_code=202, dependencies=[audited("cases.write", Scope.WRITE)])
def write(asked: WriteCases, base: CurrentBase, service: CurrentService, caller: CurrentCaller) -> JobDetail:
    """Make cases and let a language model word their questions, as a job that adds them at its end; read them through.

    The model never decides what is true: a question of its own that is no good one gives way to the one made by rules.
    """
    service.app.models.section(asked.model)
    return job_json(service.app.jobs.submit_task(base.id, caller.id, JobKind.QUESTIONS, asked.model_dump()), [])


@router.put("/{case_id}", dependencies=[audited("case.edit", Scope.WRITE)])
def edit_case(new: NewCase, base: CurrentBase, service: CurrentService, case_id: CaseId) -> Case:
    """Put another case in the place of one."""
    service.app.catalog.evaluation_cases(base).replace(case_id, new.model_dump(mode="json"))
    return _case(case_id, new.model_dump())


@router.delete("/{case_id}", status_code=204, dependencies=[audited("case.delete", Scope.WRITE)])
def delete_case(base: CurrentBase, service: CurrentService, case_id: CaseId) -> Response:
    """Delete a case."""
    service.app.catalog.evaluation_cases(base).delete(case_id)
    return Response(status_code=204)


@router.delete("", status_code=204, dependencies=[audited("cases.clear", Scope.WRITE)])
def delete_cases(base: CurrentBase, service: CurrentService) -> Response:
    """Delete all cases of a base."""
    service.app.catalog.evaluation_cases(base).clear()
    return Response(status_code=204)


def _made(service: Service, base: KnowledgeBase, sizes: tuple[int, int], seed: int) -> Cases:
    cases = make_cases(service.app, base.name, sizes, seed, written=False)
    return _added(service, base, [case_content(case) for case in cases])


def _added(service: Service, base: KnowledgeBase, contents: list[dict[str, Any]]) -> Cases:
    rows = service.app.catalog.evaluation_cases(base)
    ids = add_cases(rows, contents)
    cases = [_case(id_, content) for id_, content in zip(ids, contents, strict=True)]
    return Cases(cases=cases, total=rows.count())


def _case(id_: int, content: Any) -> Case:  # noqa: ANN401 - JSON
    return Case(**content, id=id_)
