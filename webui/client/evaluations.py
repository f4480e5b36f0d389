"""Evaluations of a base: its questions, and runs over them."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from webui.client.bases import place
from webui.client.connection import Connection, Shape
from webui.client.jobs import UNFINISHED

_PAGE = 1000


class Case(Shape):
    """A question whose answer is known; it has no id before it is kept."""

    question: str
    answers: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    answerable: bool = True
    parts: tuple[tuple[str, ...], ...] = ()
    kind: str = ""
    id: int | None = None


class Run(Shape):
    """A run over all cases; `result` has the main metrics of one that is done."""

    id: str
    state: str
    error: str | None
    created: datetime
    finished: datetime | None
    mode: str
    done: int
    total: int
    result: dict[str, Any] | None

    @property
    def over(self) -> bool:
        """Say whether nothing more will happen."""
        return self.state not in UNFINISHED


class RunDetail(Run):
    """A run with its summary, and its risk-coverage curve."""

    summary: dict[str, Any] | None
    coverage: list[float]
    risk: list[float]


class Result(Shape):
    """A case as it was answered; `failure` says in two languages what is wrong, None if nothing."""

    id: str
    question: str
    answers: tuple[str, ...]
    answer: str
    refused: bool
    confidence: float
    failure: dict[str, str] | None


class Difference(Shape):
    """A metric in both runs; `low` and `high` bound b - a at 95%."""

    n: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    verdict: str


class Comparison(Shape):
    """How run b differs from run a over their `n` common cases."""

    n: int
    only_in_a: int
    only_in_b: int
    metrics: dict[str, Difference]


class Evaluations:
    """The cases and runs of one base."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._cases = f"{place(base)}/cases"
        self._runs = f"{place(base)}/evaluations"

    def cases(self) -> list[Case]:
        """Return every case in the order they were added."""
        found: list[Case] = []
        while True:
            page = self._connection.get(self._cases, limit=_PAGE, offset=len(found))
            found += [Case.model_validate(one) for one in page["cases"]]
            if not page["cases"] or len(found) >= page["total"]:
                return found

    def make_cases(self, answerable: int, unanswerable: int, seed: int) -> None:
        """Make cases from the base's own text."""
        body = {"answerable": answerable, "unanswerable": unanswerable, "seed": seed}
        self._connection.post(f"{self._cases}/make", body)

    def write_cases(self, answerable: int, unanswerable: int, seed: int) -> None:
        """Begin to make cases whose questions a language model words; they are added when all are there."""
        body = {"answerable": answerable, "unanswerable": unanswerable, "seed": seed}
        self._connection.post(f"{self._cases}/write", body)

    def keep(self, case: Case) -> None:
        """Add a case, or put it in the place of the one with its id."""
        body = case.model_dump(mode="json", exclude={"id"})
        if case.id is None:
            self._connection.post(self._cases, {"cases": [body]})
        else:
            self._connection.put(f"{self._cases}/{case.id}", body)

    def drop(self, case_id: int) -> None:
        """Delete a case."""
        self._connection.delete(f"{self._cases}/{case_id}")

    def runs(self) -> list[Run]:
        """Return the runs, newest first."""
        return [Run.model_validate(one) for one in self._connection.get(self._runs)["runs"]]

    def start(self, mode: str) -> Run:
        """Begin to answer all cases."""
        return Run.model_validate(self._connection.post(self._runs, {"mode": mode}))

    def run(self, run_id: str) -> RunDetail:
        """Return one with its summary."""
        return RunDetail.model_validate(self._connection.get(self._of(run_id)))

    def failures(self, run_id: str, limit: int) -> tuple[list[Result], int]:
        """Return the first cases that went wrong, and how many there are."""
        page = self._connection.get(f"{self._of(run_id)}/results", failing="true", limit=limit)
        return [Result.model_validate(one) for one in page["results"]], page["total"]

    def report(self, run_id: str) -> bytes:
        """Return the report, an HTML file."""
        return self._connection.content(f"{self._of(run_id)}/report")

    def compare(self, first: str, second: str) -> Comparison:
        """Say how the second differs from the first."""
        return Comparison.model_validate(self._connection.get(f"{self._of(first)}/compare/{quote(second, safe='')}"))

    def delete(self, run_id: str) -> None:
        """Delete one that is over."""
        self._connection.delete(self._of(run_id))

    def _of(self, run_id: str) -> str:
        return f"{self._runs}/{quote(run_id, safe='')}"
