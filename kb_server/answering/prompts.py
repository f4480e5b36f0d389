"""Prompts as files: what the model is told, in the language of the question.

A file has the system message, a line `---`, and the user message with `$passages` and `$question`. `reason.en.md` and
`reason.zh.md` are put behind the system message when the model shall think first; `agent.en.md` and `agent.zh.md` are
the whole system message of a model that has tools. `answer-NAME.en.md` with `answer-NAME.zh.md` is a prompt
that a question may name. Only someone who can write to that folder words prompts: a question brings none of its own.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from kb_server.core.answers import Message
from kb_server.core.domain import Hit
from kb_server.core.errors import InvalidSetting, NotFound
from kb_server.core.ports import Generator
from kb_server.text.terms import script

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


_HISTORY_TURNS = 6

_NAMED = re.compile(r"answer-([^\W_][\w.-]{0,63})\.(en|zh)\.md")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages for the model, the passages that fitted into its window, and how many did not."""

    messages: list[Message]
    hits: list[Hit]
    left_out: int = 0


class PromptBuilder:
    """Makes prompts from the files in a folder; the ones that come with the program if it is None.

    `examples` is a file of questions with good answers that are shown before the real question.
    """

    def __init__(self, folder: Path | None = None, examples: Path | None = None) -> None:
        self._folder = folder
        self._examples = examples

    def build(
        self,
        question: str,
        hits: Sequence[Hit],
        history: Sequence[Message],
        generator: Generator,
        answer_tokens: int,
        reasoning: bool = False,
        name: str | None = None,
    ) -> Prompt:
        """Fill the prompt (of this name) so that it and the answer fit the window, counted in the model's own tokens.

        What does not fit is left out: first passages from the least relevant on, then the oldest turns. The best
        passage and the question always stay; a generator says if even they are too long.
        """
        language = "zh" if script(question) == "cjk" else "en"
        system, user = self._templates(language, name)
        if reasoning:
            system = f"{system}\n{self._read(f'reason.{language}.md').strip()}"
        before = [Message("system", system), *self._shown(user)]
        kept, turns = list(hits), list(history[-_HISTORY_TURNS:])
        while True:
            asked = user.safe_substitute(passages=_numbered([hit.chunk.searchable for hit in kept]), question=question)
            messages = [*before, *turns, Message("user", asked)]
            if generator.count_tokens(messages) + answer_tokens <= generator.context_window:
                break
            if len(kept) > 1:
                kept.pop()
            elif turns:
                turns = turns[2:]
            else:
                break
        return Prompt(messages, kept, len(hits) - len(kept))

    def names(self) -> list[str]:
        """Return the prompts that a question may name: those that are there in both languages."""
        place = self._place()
        try:
            found = [match.groups() for entry in place.iterdir() if (match := _NAMED.fullmatch(entry.name))]
        except OSError as error:
            raise InvalidSetting(
                f"The folder of prompts '{place}' cannot be read: {error.strerror}.",
                "Check the setting answering.prompts.",
            ) from error
        return sorted({name for name, _ in found if {(name, "en"), (name, "zh")} <= set(found)})

    def check(self, name: str | None) -> None:
        """Raise NotFound for a name that is none of those; only a name that is there becomes a file's."""
        if name is None or name in (names := self.names()):
            return
        raise NotFound(
            f"There is no prompt '{name[:80]}'.",
            f"There are: {', '.join(names)}." if names else "The folder answering.prompts has none with a name.",
        )

    def agent(self, question: str) -> str:
        """Return the system message of a model that has tools."""
        return self._read(f"agent.{'zh' if script(question) == 'cjk' else 'en'}.md").strip()

    def closed_book(self, question: str, hits: Sequence[Hit], history: Sequence[Message]) -> Prompt:
        """Return the bare question after the conversation; the passages are only what an answer is checked against."""
        return Prompt([*history[-_HISTORY_TURNS:], Message("user", question)], list(hits))

    def _shown(self, user: Template) -> list[Message]:
        """Return the examples as turns of a conversation."""
        examples = read_examples(self._examples) if self._examples else ()
        turns: list[Message] = []
        for example in examples:
            asked = user.safe_substitute(passages=_numbered(example.passages), question=example.question)
            turns += [Message("user", asked), Message("assistant", example.answer)]
        return turns

    def _templates(self, language: str, name: str | None) -> tuple[str, Template]:
        self.check(name)
        file = f"answer-{name}.{language}.md" if name else f"answer.{language}.md"
        system, separator, user = self._read(file).partition("\n---\n")
        if not separator:
            raise InvalidSetting(
                f"The prompt '{self._place() / file}' has no line '---'.",
                "Put it between the system and the user message.",
            )
        return system.strip(), Template(user.strip())

    def _read(self, name: str) -> str:
        try:
            return (self._place() / name).read_text("utf-8")
        except OSError as error:
            raise InvalidSetting(
                f"The prompt '{self._place() / name}' cannot be read: {error.strerror}.",
                "Check the setting answering.prompts.",
            ) from error

    def _place(self) -> Traversable:
        return self._folder or files("configs") / "prompts"


def _numbered(passages: Iterable[str]) -> str:
    return "\n\n".join(f"[{number}] {passage}" for number, passage in enumerate(passages, 1))
