"""Reading evaluation cases: JSON lines, a JSON list, CSV, SQuAD-format and RGB-format files.

What a file is, its content decides; only CSV goes by its name. A case that cannot be read is left out and named by
its line, and the rest is used. SQuAD and RGB files carry passages instead of document names: the document that holds
such a passage is looked up by its text.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from kb_server.core.domain import EvalCase
from kb_server.core.errors import NotFound, UsageError

FindDocument = Callable[[str], str | None]
_SEPARATOR = "|"  # between several answers or documents in one CSV cell
_TRUE, _FALSE = ("true", "1", "yes", ""), ("false", "0", "no")


@dataclass(frozen=True, slots=True)
class CaseProblem:
    """A case that was left out: where it stands (`line 7`), and why."""

    where: str
    reason: str


@dataclass(slots=True)
class CaseFile:
    """The cases of a file in order, and what had to be left out."""

    cases: list[EvalCase] = field(default_factory=list)
    problems: list[CaseProblem] = field(default_factory=list)


class MalformedCase(ValueError):
    """Why one case cannot be read."""


def read_cases(file: Path, find_document: FindDocument = lambda _: None) -> CaseFile:
    """Read the cases of a file; raises NotFound or UsageError if there is not one that can be used.

    `find_document` returns the name of the document that holds a passage; a passage that is in none gets a name that
    no document has.
    """
    text = _text(file)
    if not text.strip():
        raise UsageError(f"The case file '{file}' is empty.", "Write a case a line, or make some with: kb questions")
    read = CaseFile()
    first: dict[str, str] = {}
    for where, values in _records(file, text, find_document):
        try:
            if isinstance(values, MalformedCase):
                raise values
            case = _case(values, where)
            if case.id in first:
                raise MalformedCase(f"the id '{case.id}' is used on {first[case.id]} already")
        except MalformedCase as error:
            read.problems.append(CaseProblem(where, str(error)))
        else:
            first[case.id] = where
            read.cases.append(case)
    if not read.cases:
        raise _nothing_usable(file, read.problems)
    return read


def _nothing_usable(file: Path, problems: Sequence[CaseProblem]) -> UsageError:
    why = f" ({problems[0].where}: {problems[0].reason})" if problems else ""
    return UsageError(f"The case file '{file}' has no case that can be used{why}.", "docs/evaluation.md shows one.")


def case_json(case: EvalCase) -> dict[str, Any]:
    """Return a case as a line of a case file has it."""
    values: dict[str, Any] = {
        "id": case.id,
        "question": case.question,
        "answers": list(case.answers),
        "documents": list(case.documents),
        "answerable": case.answerable,
    }
    if case.parts:
        values["parts"] = [list(part) for part in case.parts]
    if case.kind:
        values["kind"] = case.kind
    return values


def case_from(values: Mapping[str, Any]) -> EvalCase:
    """Return the case of a JSON object; raises MalformedCase."""
    return _case(values, "")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise NotFound(f"There is no case file '{file}'.", "Check the path given with --cases.") from error
    except OSError as error:
        raise UsageError(f"The case file '{file}' cannot be read: {error.strerror}.", "Check --cases.") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"The case file '{file}' is not UTF-8 (byte {error.start}).", "Save it as UTF-8 and try again."
        ) from error


Record = tuple[str, Mapping[str, Any] | MalformedCase]


def _records(file: Path, text: str, find_document: FindDocument) -> Iterator[Record]:
    """Yield each case as a JSON object with where it stands, whatever the format."""
    if file.suffix.lower() in (".csv", ".tsv"):
        return _csv_records(text, "\t" if file.suffix.lower() == ".tsv" else ",")
    whole = _parsed(text)
    if isinstance(whole, dict) and isinstance(whole.get("data"), list):
        return _squad_records(whole["data"], find_document)
    entries = [(f"case {n}", item) for n, item in enumerate(whole, 1)] if isinstance(whole, list) else _lines(text)
    return _object_records(entries, find_document)


def _parsed(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # not one JSON value: lines, each of which is read for itself


def _lines(text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            yield f"line {number}", MalformedCase(f"not JSON: {error}")


def _object_records(entries: Iterable[tuple[str, Any]], find_document: FindDocument) -> Iterator[Record]:
    for where, item in entries:
        if isinstance(item, MalformedCase):
            yield where, item
        elif not isinstance(item, dict):
            yield where, MalformedCase("not a JSON object")
        else:
            yield where, _from_rgb(item, where, find_document) if "query" in item else item


def _csv_records(text: str, delimiter: str) -> Iterator[Record]:
    """Yield the rows of a table with the columns question, and if they are there id, answers, documents, answerable."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", restval="")
    known = {name: name.strip().lower() for name in reader.fieldnames or ()}
    if "question" not in known.values():
        raise UsageError("The case file has no column 'question'.", "Its first row must name the columns.")
    for row in reader:
        where = f"line {reader.line_num}"
        if row.get(""):
            yield where, MalformedCase("more cells than columns")
            continue
        yield where, _from_row(row, known)


def _from_row(row: Mapping[str, str | None], known: Mapping[str, str]) -> Mapping[str, Any]:
    cells = {known[name]: (cell or "").strip() for name, cell in row.items() if name in known}
    lists = {name: _split(cells.get(name, "")) for name in ("answers", "documents")}
    answerable = cells.get("answerable", "").lower()
    yes = answerable in _TRUE if answerable in (*_TRUE, *_FALSE) else answerable
    return {**cells, **lists, "answerable": yes}


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(_SEPARATOR) if part.strip()]


def _squad_records(articles: Sequence[Any], find_document: FindDocument) -> Iterator[Record]:
    for a, article in enumerate(articles):
        for p, paragraph in enumerate(_list(article, "paragraphs")):
            where = f"article {a + 1}, paragraph {p + 1}"
            context = paragraph.get("context") if isinstance(paragraph, dict) else None
            if not isinstance(context, str):
                yield where, MalformedCase("no 'context'")
                continue
            document = find_document(context) or f"{article.get('title') or a + 1} .{p + 1}"
            for number, qa in enumerate(_list(paragraph, "qas"), 1):
                yield f"{where}, question {number}", _from_squad(qa, document)


def _from_squad(qa: Any, document: str) -> Mapping[str, Any] | MalformedCase:  # noqa: ANN401 - any JSON
    if not isinstance(qa, dict) or not all(isinstance(item, dict) for item in _list(qa, "answers")):
        return MalformedCase("not a SQuAD question")
    impossible = bool(qa.get("is_impossible"))
    answers = sorted({str(answer.get("text", "")) for answer in _list(qa, "answers")})
    documents = [] if impossible else [document]
    return {**qa, "answers": answers, "documents": documents, "answerable": not impossible}


def _from_rgb(item: Mapping[str, Any], where: str, find_document: FindDocument) -> Mapping[str, Any] | MalformedCase:
    """Turn a case of the RGB benchmark (query, answer, positive, negative) into ours; its answers must all be there."""
    answers = item.get("answer")
    parts = [_strings(part) for part in (answers if isinstance(answers, list) else [answers])]
    if not all(parts):
        return MalformedCase("'answer' is not a text or a list of texts")
    passages = chain.from_iterable(map(_strings, _list(item, "positive")))
    documents = [find_document(text) or f"{where}, passage {n}" for n, text in enumerate(passages, 1)]
    found = {"id": str(item.get("id", "")), "question": item["query"], "documents": list(dict.fromkeys(documents))}
    return {**found, "answers": parts[0]} if len(parts) == 1 else {**found, "answers": [], "parts": parts}


def _list(values: Any, key: str) -> list[Any]:  # noqa: ANN401 - any JSON
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, list) else []


def _case(values: Mapping[str, Any], where: str) -> EvalCase:
    question, answerable = _question(values), _answerable(values)
    kind = values.get("kind") or ""
    parts = values.get("parts") or []
    if not isinstance(parts, list) or not isinstance(kind, str):
        raise MalformedCase("'parts' is not a list, or 'kind' not a text")
    id_ = values.get("id")
    return EvalCase(
        id=str(id_) if isinstance(id_, str | int) and str(id_) else where,
        question=question,
        answers=_texts(values, "answers"),
        documents=_texts(values, "documents"),
        answerable=answerable,
        parts=tuple(tuple(_strings(part)) for part in parts),
        kind=kind,
    )


def _question(values: Mapping[str, Any]) -> str:
    question = values.get("question")
    if not isinstance(question, str) or not question.strip():
        raise MalformedCase("no 'question'")
    return question.strip()


def _answerable(values: Mapping[str, Any]) -> bool:
    answerable = values.get("answerable", True)
    if not isinstance(answerable, bool):
        raise MalformedCase(f"'answerable' is {answerable!r}, not true or false")
    return answerable


def _texts(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = values.get(key)
    found = _strings(value if value is not None else [])
    if found is None or (value and not found):
        raise MalformedCase(f"'{key}' is {value!r}, not a list of texts")
    return tuple(text for text in found if text.strip())


def _strings(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Return a text or a list of texts as a list; empty for anything else."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return []
