"""JSON, and JSON lines."""

import json
from dataclasses import replace
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.data.records import TooDeep, Value, add_records
from loaders.plain.text import read_text

_MOST_SHOWN = 20  # numbers of lines


class JsonLoader:
    """Reads each record as a line with its names; numbers stay as they are written.

    Of JSON lines, those that are none are set aside as long as they are the fewer.
    """

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        text, broken = read_text(path, name), list[int]()
        try:
            try:
                value = _parse(text)
            except JSONDecodeError as error:
                value, broken = _parse_lines(text, name, error)
            add_records(builder, _as_text(value))
        except (RecursionError, TooDeep) as error:
            raise too_deep(name) from error
        return replace(builder.build(), set_aside={_said(broken): len(broken)} if broken else {})


def parse_json(text: str, name: str) -> Any:  # noqa: ANN401  (JSON is anything)
    """Return what the text holds, with numbers as text; raises LoadError with the place."""
    try:
        return _parse(text)
    except JSONDecodeError as error:
        raise _invalid(name, error) from error


def too_deep(name: str) -> LoadError:
    """Make the error for brackets within brackets within brackets."""
    return LoadError(f"'{name}' is nested too deeply.", "Make it flatter.")


def _parse(text: str) -> Any:  # noqa: ANN401  (JSON is anything)
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _parse_lines(text: str, name: str, whole: JSONDecodeError) -> tuple[list[Any], list[int]]:
    """Return the values of JSON lines, and the numbers of lines that are none.

    Raises LoadError, about the text as a `whole`, where most lines are none: then it is no file of lines.
    """
    values: list[Any] = []
    broken: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(_parse(line))
        except JSONDecodeError:
            broken.append(number)
    if len(values) + len(broken) < 2 or len(broken) > len(values):
        raise _invalid(name, whole) from whole
    return values, broken


def _said(broken: list[int]) -> str:
    shown = ", ".join(map(str, broken[:_MOST_SHOWN])) + (" …" if len(broken) > _MOST_SHOWN else "")
    return f"lines that are no valid JSON: {shown}"


def _invalid(name: str, error: JSONDecodeError) -> LoadError:
    reason = f"line {error.lineno}: {error.msg}"
    return LoadError(f"'{name}' is no valid JSON: {reason}.", "Mend it, or name it .txt to read it as text.")


def _as_text(value: Any) -> Value:  # noqa: ANN401  (JSON is anything)
    """Make every leaf a text; null is an empty one. Recursion is bounded by the parser's own."""
    if isinstance(value, dict):
        return {key: _as_text(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_as_text(child) for child in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
