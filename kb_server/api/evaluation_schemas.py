"""What the routes of evaluations take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kb_server.api.schemas import Question, Taken, example, speakable
from kb_server.domain import AnswerMode

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
