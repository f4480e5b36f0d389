"""Few-shot examples: questions with passages and the answers they should get, from a file."""

import json
from dataclasses import dataclass
from pathlib import Path

from kb_server.errors import InvalidSetting

_KEYS = {"question", "passages", "answer"}


@dataclass(frozen=True, slots=True)
class Example:
    """One example; its passages are numbered as in a real prompt."""

    question: str
    passages: tuple[str, ...]
    answer: str


def read_examples(file: Path) -> tuple[Example, ...]:
    """Read JSON lines of {"question", "passages": [...], "answer"}; raises InvalidSetting naming file and line."""
    try:
        lines = file.expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(
            f"The examples '{file}' cannot be read: {error}.", "Check the setting answering.examples."
        ) from error
    return tuple(_example(line, f"{file}:{number}") for number, line in enumerate(lines, 1) if line.strip())


def _example(line: str, where: str) -> Example:
    try:
        values = json.loads(line)
        if set(values) != _KEYS or not isinstance(values["passages"], list):
            raise ValueError(f"it has the keys {', '.join(map(str, values))}")
    except (ValueError, TypeError) as error:
        raise InvalidSetting(
            f"The example in {where} is not one: {error}.",
            'Write {"question": "…", "passages": ["…"], "answer": "… [1]"} on each line.',
        ) from error
    return Example(str(values["question"]), tuple(map(str, values["passages"])), str(values["answer"]))
