"""Data that is neither prose nor a table: nested names and values, as JSON and XML have them."""

from collections.abc import Iterator, Mapping, Sequence

from loaders.builder import DocumentBuilder

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
        if any(len(text) > _LONG or "\n" in text for _, text in pairs):
            builder.items(lines)
            lines = []
            builder.lines("\n".join(_labelled(name, text) for name, text in pairs))
        else:
            lines.append("; ".join(_labelled(name, text) for name, text in pairs))
    builder.items(lines)


def _records(value: Value) -> Iterator[Value]:
    """Yield the elements of a list; of an object with lists of objects, what is beside them, then their elements."""
    if isinstance(value, Mapping):
        lists = {name: child for name, child in value.items() if _is_list_of_objects(child)}
        yield {name: child for name, child in value.items() if name not in lists}
        for name, child in lists.items():
            yield from ({name: element} for element in child)
    elif isinstance(value, str):
        yield value
    else:
        yield from value


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
        elif isinstance(value, Mapping):
            children = [(f"{name}.{key}" if name else key, child, depth + 1) for key, child in value.items()]
            stack += reversed(children)
        elif all(isinstance(child, str) for child in value):
            yield name, ", ".join(str(child) for child in value)
        else:
            stack += reversed([(name, child, depth + 1) for child in value])


def _labelled(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text
