"""Answering the cases of an evaluation, from where an earlier run of it stopped."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter

from kb_server.core.answers import Answer
from kb_server.core.domain import EvalCase
from kb_server.core.errors import Interrupted
from kb_server.evaluation.judge import Judge
from kb_server.evaluation.outcomes import Outcome, outcome_of
from kb_server.evaluation.run_folder import RunFolder

DEPTH = 30  # passages retrieved for a question, so that ten documents are among them

Ask = Callable[[str], Answer]
TakeTokens = Callable[[], dict[str, int]]
OnDone = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Respondent:
    """Who answers: `ask` takes a question; `tokens` returns what the last answer of this thread cost; a judge."""

    ask: Ask
    tokens: TakeTokens = dict
    judge: Judge | None = None

    def answer(self, case: EvalCase) -> Outcome:
        """Return the outcome of one case."""
        answer = self.ask(case.question)
        outcome = outcome_of(case, answer, self.tokens())
        return replace(outcome, judged=self.judge.judge(outcome)) if self.judge else outcome


@dataclass(frozen=True, slots=True)
class Finished:
    """All outcomes in the order of the cases, and the seconds spent on those that were not done before."""

    outcomes: list[Outcome]
    seconds: float


def answer_cases(
    cases: Sequence[EvalCase], respondent: Respondent, folder: RunFolder, workers: int, on_done: OnDone
) -> Finished:
    """Answer every case that the folder has no outcome of; what is done is kept whatever happens.

    `on_done` is told how many cases of how many are done. An error of the model ends the run.
    """
    done = folder.outcomes()
    todo = [case for case in cases if case.id not in done or done[case.id].case != case]
    started = perf_counter()
    on_done(len(cases) - len(todo), len(cases))
    try:
        folder.append(_told(_answered(todo, respondent, workers), len(cases), len(todo), on_done))
    except KeyboardInterrupt:
        kept = len(folder.outcomes())
        raise Interrupted(
            f"Stopped; {kept} of {len(cases)} cases are done.", "Run the same command again to go on from there."
        ) from None
    seconds = perf_counter() - started
    found = folder.outcomes() if todo else done
    return Finished([found[case.id] for case in cases], seconds)


def _told(outcomes: Iterator[Outcome], total: int, todo: int, on_done: OnDone) -> Iterator[Outcome]:
    for number, outcome in enumerate(outcomes, 1):
        yield outcome  # it is on disk when the next one is asked for
        on_done(total - todo + number, total)


def _answered(cases: Sequence[EvalCase], respondent: Respondent, workers: int) -> Iterator[Outcome]:
    """Yield outcomes as they come, several at a time; after an error those that had begun are still kept."""
    if workers == 1:
        yield from map(respondent.answer, cases)
        return
    left = iter(cases)
    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(respondent.answer, case) for case in islice(left, workers)}
        failures: list[BaseException] = []
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            yield from _results(finished, failures)
            if not failures:
                running |= {pool.submit(respondent.answer, case) for case in islice(left, len(finished))}
        if failures:
            raise failures[0]


def _results(finished: set[Future[Outcome]], failures: list[BaseException]) -> Iterator[Outcome]:
    for future in finished:
        error = future.exception()
        if error:
            failures.append(error)
        else:
            yield future.result()
