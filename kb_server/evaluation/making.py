"""A case file made from a knowledge base's own text."""

import json
from collections.abc import Sequence
from pathlib import Path

from kb_server.bootstrap import Application
from kb_server.domain import EvalCase
from kb_server.errors import AlreadyExists, UsageError
from kb_server.evaluation.case_files import case_json
from kb_server.services.question_writing import QuestionWriter
from kb_server.services.questions import make_questions


def make_cases(app: Application, name: str, sizes: tuple[int, int], seed: int, *, written: bool) -> list[EvalCase]:
    """Return questions with and without answers (`sizes`, in this order), worded by the language model if `written`.

    Raises UsageError if the base's text gives none.
    """
    documents = app.documents(app.bases.find(name))
    chunks = list(documents.chunks(documents.chunk_ids()).values())
    made = make_questions(chunks, *sizes, seed=seed)
    if not made:
        raise UsageError(
            f"The text of '{name}' gives no questions ({len(chunks)} chunks).", f"Put documents in: kb ingest {name} …"
        )
    writer = QuestionWriter(app.generator) if written else None
    return [writer.rewrite(item) if writer else item.case for item in made]


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
