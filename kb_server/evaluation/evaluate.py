"""Evaluating a knowledge base: its cases answered, scored, and written down."""

import difflib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from kb_server import __version__
from kb_server.answering.ask import Ask
from kb_server.answering.citations.support import normalised
from kb_server.app import Application
from kb_server.catalog.documents import Documents
from kb_server.core.answers import Answer, AnswerMode, Message, Sampling
from kb_server.core.domain import EvalCase
from kb_server.core.errors import Interrupted, UsageError
from kb_server.core.ports import Generator
from kb_server.evaluation.case_files import CaseFile, read_cases
from kb_server.evaluation.cost import MeteredGenerator, Price, metered_generator
from kb_server.evaluation.outcomes import Outcome, outcome_of
from kb_server.evaluation.reports import write_report
from kb_server.evaluation.run_folder import SUMMARY, RunFolder
from kb_server.evaluation.scoring import score, summarise
from kb_server.evaluation.statements import statements
from kb_server.runtime.once import made_once
from kb_server.text.terms import script

_ASKED = {
    "other": (
        "You check facts. Answer with one word: yes or no.",
        "Passage:\n{passage}\n\nStatement: {statement}\n\nDoes the passage say what the statement says? yes or no:",
    ),
    "cjk": (
        "你负责核对事实，只用一个字回答：是或否。",
        "段落：\n{passage}\n\n陈述：{statement}\n\n段落是否说了陈述的内容？是或否：",
    ),
}

_VERDICT = re.compile(r"\W*(yes|no|不是|是|否)(?!\w*[a-z]|或?否|\W*or\b)", re.IGNORECASE)  # not the question echoed

_BRIEF = Sampling(max_tokens=8)


class Judge:
    """Asks a Generator whether each statement of an answer stands in the passages it cites."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def judge(self, outcome: Outcome) -> tuple[bool | None, ...]:
        """Return a verdict for each statement that has a citation, in order."""
        cited = [statement for statement in statements(outcome) if statement.sources]
        return tuple(self._verdict(statement.text, "\n".join(statement.sources)) for statement in cited)

    def _verdict(self, statement: str, passage: str) -> bool | None:
        system, user = _ASKED[script(statement)]
        messages = [Message("system", system), Message("user", user.format(passage=passage, statement=statement))]
        if self._generator.count_tokens(messages) + _BRIEF.max_tokens > self._generator.context_window:
            return None  # cut short, the passage could lack the very sentence
        return verdict("".join(self._generator.stream(messages, _BRIEF)))


def verdict(said: str) -> bool | None:
    """Read a judge's answer by its first word; None if that is not a plain yes or no."""
    found = _VERDICT.match(said)
    return found[1].lower() in ("yes", "是") if found else None


DEPTH = 30  # passages retrieved for a question, so that ten documents are among them

Respond = Callable[[str], Answer]

TakeTokens = Callable[[], dict[str, int]]

OnDone = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Respondent:
    """Who answers: `ask` takes a question; `tokens` returns what the last answer of this thread cost; a judge."""

    ask: Respond
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


class DocumentFinder:
    """Finds the document that a passage stands in, by its text; reads the base's texts when it is first asked."""

    def __init__(self, names: Sequence[str], text: Callable[[str], str]) -> None:
        self._names = names
        self._text = text
        self._by_text: dict[str, str] = {}

    def __call__(self, passage: str) -> str | None:
        """Return the name of the document with this passage, None if there is no such document."""
        if not self._by_text:
            self._by_text = {normalised(self._text(name)): name for name in self._names}
        wanted = normalised(passage)
        if wanted in self._by_text:
            return self._by_text[wanted]
        return next((name for text, name in self._by_text.items() if wanted and wanted in text), None)


_SECRET = frozenset(("key", "token", "secret", "password", "url"))


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What to evaluate and where to write it. `judge` asks the configured language model about each statement."""

    cases: Path
    out: Path
    mode: AnswerMode
    workers: int = 1
    judge: bool = False
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The summary as summary.json has it, and the lines of the case file that were left out."""

    summary: dict[str, Any]
    left_out: list[dict[str, str]] = field(default_factory=list)


class Evaluator:
    """Evaluates one knowledge base of an application."""

    def __init__(self, app: Application, name: str) -> None:
        self._app = app
        self._name = name

    def run(self, options: EvaluationOptions, on_done: OnDone = lambda *_: None) -> Evaluation:
        """Answer the cases that are not done yet, score all, and write results, summary and report."""
        read = self.read_cases(options.cases)
        warnings = check_documents(read.cases, self._names)
        folder = RunFolder(options.out)
        folder.begin(self.setup(options))
        respondent = self._respondent(options)
        started = perf_counter()
        finished = answer_cases(read.cases, respondent, folder, options.workers, on_done)
        outcomes = score(finished.outcomes)
        folder.replace(outcomes)
        left_out = [asdict(problem) for problem in read.problems]
        facts = {"warnings": warnings, "left_out": left_out, **folder.setup()}
        summary = {**summarise(outcomes), **facts}
        summary["cost"] = options.price.of(summary["tokens"]) if options.price else None
        write_report(folder, outcomes, summary)
        summary["seconds"] = {"all": round(perf_counter() - started, 2), "answering": round(finished.seconds, 2)}
        folder.write(SUMMARY, json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
        return Evaluation(summary, left_out)

    def read_cases(self, file: Path) -> CaseFile:
        """Read a case file; passages that it carries are looked up in the base."""
        return read_cases(file, DocumentFinder(self._names, self._documents.text))

    @made_once
    def _documents(self) -> Documents:
        return self._app.catalog.documents(self._app.bases.find(self._name))

    @made_once
    def _digests(self) -> Mapping[str, str]:
        return self._documents.digests()

    @property
    def _names(self) -> Sequence[str]:
        return sorted(self._digests)

    def _respondent(self, options: EvaluationOptions) -> Respondent:
        judge = Judge(self._app.models.generator()) if options.judge else None
        meter: list[MeteredGenerator] = []

        def metered(_model: str | None) -> MeteredGenerator:
            if not meter:
                meter.append(metered_generator(self._app.models.generator()))
            return meter[0]

        answering = self._app.answering.written_by(metered)
        k = max(DEPTH, self._app.settings.retrieval.k)

        def ask(question: str) -> Answer:
            base = self._app.bases.find(self._name)  # for each question: it may be moved while a long run goes on
            return answering.answer(Ask(question=question, mode=options.mode, k=k), [base])

        return Respondent(ask, lambda: meter[0].take() if meter else {}, judge)

    def setup(self, options: EvaluationOptions) -> dict[str, Any]:
        """Return what must stay the same while a run goes on: the base with its content, and all settings."""
        base = self._app.bases.find(self._name)
        content = hashlib.sha256(json.dumps(sorted(self._digests.items())).encode()).hexdigest()
        settings = self._app.settings.model_dump(mode="json")
        sections = {name: _public(section) for name, section in settings.items() if isinstance(section, dict)}
        return {
            "version": __version__,
            "knowledge_base": {
                "name": base.name,
                "store": base.store,
                "embedder": base.embedder,
                "fusion": dict(base.fusion.weights) if base.fusion else None,
                "calibration": asdict(base.calibration) if base.calibration else None,
                "documents": len(self._digests),
                "content": content,
            },
            "mode": str(options.mode),
            "judge": self._app.settings.generation.model if options.judge else None,
            "settings": sections,
        }


def check_documents(cases: Sequence[EvalCase], names: Sequence[str]) -> list[str]:
    """Return a warning for each document that cases name and the base lacks; raises UsageError if it has none of them.

    Such cases are run all the same: a document that is not there is not found.
    """
    known = set(names)
    wanted = Counter(name for case in cases for name in case.documents)
    missing = [name for name in wanted if name not in known]
    if wanted and len(missing) == len(wanted):
        raise UsageError(
            f"None of the {len(wanted)} documents that the cases name is in the knowledge base ('{missing[0]}', …).",
            "Ingest them, or give the names that kb docs shows.",
        )
    return [_missing(name, wanted[name], names) for name in missing]


def _missing(name: str, count: int, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1) if len(names) < 2000 else []
    suggestion = f"; did you mean '{near[0]}'?" if near else ""
    return f"The document '{name}' of {count} case(s) is not in the knowledge base{suggestion}"


def _public(section: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what could be a secret: a report is made to be handed on."""
    return {name: value for name, value in section.items() if _SECRET.isdisjoint(name.lower().split("_"))}
