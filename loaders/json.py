"""JSON, and JSON lines."""

import json
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from kb_server.domain import Document
from kb_server.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.records import TooDeep, Value, add_records
from loaders.text import read_text


class JsonLoader:
    """Reads each record as a line with its names; numbers stay as they are written."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        try:
            add_records(builder, _as_text(parse_json(read_text(path, name), name)))
        except (RecursionError, TooDeep) as error:
            raise too_deep(name) from error
        return builder.build()


def parse_json(text: str, name: str) -> Any:  # noqa: ANN401  (JSON is anything)
    """Return what the text holds, a list for JSON lines, with numbers as text; raises LoadError with the place."""
    try:
        return _parse(text)
    except JSONDecodeError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if not error.msg.startswith("Extra data") or len(lines) < 2:
            raise _invalid(name, error.lineno, error.msg) from error
    return [_parse_line(line, number, name) for number, line in lines]


def too_deep(name: str) -> LoadError:
    """Make the error for brackets within brackets within brackets."""
    return LoadError(f"'{name}' is nested too deeply.", "Make it flatter.")


def _parse(text: str) -> Any:  # noqa: ANN401  (JSON is anything)
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _parse_line(line: str, number: int, name: str) -> Any:  # noqa: ANN401  (JSON is anything)
    try:
        return _parse(line)
    except JSONDecodeError as error:
        raise _invalid(name, number, error.msg) from error


def _invalid(name: str, line: int, reason: str) -> LoadError:
    return LoadError(
        f"'{name}' is no valid JSON: line {line}: {reason}.", "Mend it, or name it .txt to read it as text."
    )


def _as_text(value: Any) -> Value:  # noqa: ANN401  (JSON is anything)
    """Make every leaf a text; null is an empty one. Recursion is bounded by the parser's own."""
    if isinstance(value, dict):
        return {key: _as_text(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_as_text(child) for child in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
