"""A case file made from a knowledge base's own text."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kb_server.app import Application
from kb_server.calibration.questions import MadeQuestion, make_questions
from kb_server.catalog.evaluation_cases import EvaluationCases
from kb_server.core.answers import Message, Sampling
from kb_server.core.domain import EvalCase
from kb_server.core.errors import AlreadyExists, TooLarge, UsageError
from kb_server.core.ports import Generator
from kb_server.evaluation.case_files import case_json
from kb_server.text.terms import script, terms

_ASKED = {
    "other": (
        "You write one short exam question. Do not use the answer's words in it.",
        "Passage: {passage}\n\nAnswer: {answer}\n\nQuestion that the passage answers so:",
    ),
    "cjk": (
        "你负责出一道简短的考题，题目中不能出现答案。",
        "段落：{passage}\n\n答案：{answer}\n\n与该答案对应的问题：",
    ),
}

_SHORT = Sampling(max_tokens=60)

_SHORTEST, _LONGEST = 6, 200


class QuestionWriter:
    """Asks a Generator to put questions in its own words."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def rewrite(self, made: MadeQuestion) -> EvalCase:
        """Return the case with the model's question and the kind `written`, or as it is if that is no good one."""
        if made.chunk is None or not made.case.answers:
            return made.case
        system, user = _ASKED[script(made.chunk.text)]
        asked = user.format(passage=made.chunk.text, answer=made.case.answers[0])
        messages = [Message("system", system), Message("user", asked)]
        if self._generator.count_tokens(messages) + _SHORT.max_tokens > self._generator.context_window:
            return made.case
        said = "".join(self._generator.stream(messages, _SHORT)).strip()
        question = said.splitlines()[0].strip().strip('"“”') if said else ""
        return replace(made.case, question=question, kind="written") if is_fit(question, made) else made.case


def is_fit(question: str, made: MadeQuestion) -> bool:
    """Tell whether a model's question can stand for the one made by rules."""
    passage = made.chunk.searchable if made.chunk else ""
    is_question = question.endswith(("?", "？")) and _SHORTEST <= len(question) <= _LONGEST
    gives_away = any(answer.casefold() in question.casefold() for answer in made.case.answers)
    return is_question and not gives_away and not set(terms(question)).isdisjoint(terms(passage))


_MOST = 10_000  # cases of one base


def make_cases(
    app: Application,
    name: str,
    sizes: tuple[int, int],
    seed: int,
    *,
    written: bool,
    model: str | None = None,
    on_done: Callable[[int, int], None] = lambda *_: None,
) -> list[EvalCase]:
    """Return questions with and without answers (`sizes`, in this order), worded by a language model if `written`.

    `model` names one of the settings; `on_done` is told how many of how many are worded. Raises UsageError if the
    base's text gives none.
    """
    rows = app.catalog.documents(app.bases.find(name)).chunks
    chunks = list(rows.by_vector(rows.vector_ids()).values())
    made = make_questions(chunks, *sizes, seed=seed)
    if not made:
        raise UsageError(
            f"The text of '{name}' gives no questions ({len(chunks)} chunks).", f"Put documents in: kb ingest {name} …"
        )
    if not written:
        return [item.case for item in made]
    writer, cases = QuestionWriter(app.models.generator(model)), []
    for item in made:
        cases.append(writer.rewrite(item))
        on_done(len(cases), len(made))
    return cases


def write_cases(file: Path, cases: Sequence[EvalCase]) -> None:
    """Write cases as JSON lines; raises AlreadyExists rather than overwrite a file somebody may have edited."""
    lines = "".join(json.dumps(case_json(case), ensure_ascii=False) + "\n" for case in cases)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(lines)
    except FileExistsError as error:
        raise AlreadyExists(f"The file '{file}' is there already.", "Choose another --out, or delete it.") from error
    except OSError as error:
        raise UsageError(f"The file '{file}' cannot be written: {error.strerror}.", "Choose another --out.") from error


def case_content(case: EvalCase) -> dict[str, Any]:
    """Return a case as a base keeps it: its id comes with its row."""
    return {key: value for key, value in case_json(case).items() if key != "id"}


def add_cases(rows: EvaluationCases, contents: Sequence[dict[str, Any]]) -> list[int]:
    """Add cases to those of a base and return their ids; raises TooLarge if they become too many."""
    if rows.count() + len(contents) > _MOST:
        raise TooLarge(f"A knowledge base may have {_MOST} cases.", "Delete some.")
    return rows.add(contents)
