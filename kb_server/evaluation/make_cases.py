"""A case file made from a knowledge base's own text."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kb_server.app import Application
from kb_server.calibration.question_writing import QuestionWriter
from kb_server.calibration.questions import make_questions
from kb_server.catalog.evaluation_cases import EvaluationCases
from kb_server.core.domain import EvalCase
from kb_server.core.errors import AlreadyExists, TooLarge, UsageError
from kb_server.evaluation.case_files import case_json

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
    documents = app.documents(app.bases.find(name))
    chunks = list(documents.chunks(documents.chunk_ids()).values())
    made = make_questions(chunks, *sizes, seed=seed)
    if not made:
        raise UsageError(
            f"The text of '{name}' gives no questions ({len(chunks)} chunks).", f"Put documents in: kb ingest {name} …"
        )
    if not written:
        return [item.case for item in made]
    writer, cases = QuestionWriter(app.generator_named(model)), []
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
