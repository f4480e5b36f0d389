"""JSON, and JSON lines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import starmap
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.plain.text import read_text

Value = Mapping[str, "Value"] | Sequence["Value"] | str

"""A tree whose leaves are texts."""

_LONG = 200  # a value with more characters is prose and gets a paragraph of its own

_DEEPEST = 200


class TooDeep(ValueError):
    """The tree is nested deeper than any that people write."""


def add_records(builder: DocumentBuilder, value: Value) -> None:
    """Add a tree: each record of a list is a line `name: value; other: value`, nested names joined by dots.

    A record with long or broken texts is a block of lines, each of them named. Raises TooDeep.
    """
    lines: list[str] = []
    for record in _records(value):
        pairs = [(name, text.strip()) for name, text in _leaves(record) if text.strip()]
        labelled = starmap(_labelled, pairs)
        if any(len(text) > _LONG or "\n" in text for _, text in pairs):
            builder.items(lines)
            lines = []
            builder.lines("\n".join(labelled))
        else:
            lines.append("; ".join(labelled))
    builder.items(lines)


def _records(value: Value) -> Iterator[Value]:
    """Yield the elements of a list; of an object with lists of objects, what is beside them, then their elements."""
    if isinstance(value, Mapping):
        yield from _parts(value)
    elif isinstance(value, str):
        yield value
    else:
        yield from value


def _parts(value: Mapping[str, Value]) -> Iterator[Value]:
    lists = {name: child for name, child in value.items() if _is_list_of_objects(child)}
    yield {name: child for name, child in value.items() if name not in lists}
    for name, child in lists.items():
        yield from ({name: element} for element in child)


def _is_list_of_objects(value: Value) -> bool:
    is_list = not isinstance(value, Mapping | str)
    return is_list and len(value) > 1 and all(isinstance(child, Mapping) for child in value)


def _leaves(root: Value) -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) in order, without recursion; a list of texts is one, with commas."""
    stack: list[tuple[str, Value, int]] = [("", root, 0)]
    while stack:
        name, value, depth = stack.pop()
        if depth > _DEEPEST:
            raise TooDeep
        if isinstance(value, str):
            yield name, value
        elif not isinstance(value, Mapping) and all(isinstance(child, str) for child in value):
            yield name, ", ".join(map(str, value))
        else:
            stack += reversed([(under, child, depth + 1) for under, child in _children(name, value)])


def _children(name: str, value: Mapping[str, Value] | Sequence[Value]) -> list[tuple[str, Value]]:
    if isinstance(value, Mapping):
        return [(f"{name}.{key}" if name else key, child) for key, child in value.items()]
    return [(name, child) for child in value]


def _labelled(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text


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
