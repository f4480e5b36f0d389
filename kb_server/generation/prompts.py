"""Prompts as files: what the model is told, in the language of the question.

A file has the system message, a line `---`, and the user message with `$passages` and `$question`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from kb_server.domain import Hit, Message
from kb_server.errors import InvalidSetting
from kb_server.ports import Generator
from kb_server.terms import script

_HISTORY_TURNS = 6


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages for the model, and the passages that fitted into its window."""

    messages: list[Message]
    hits: list[Hit]


class PromptBuilder:
    """Makes prompts from the files in a folder; the ones that come with the program if it is None."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def build(
        self, question: str, hits: Sequence[Hit], history: Sequence[Message], generator: Generator, answer_tokens: int
    ) -> Prompt:
        """Fill the prompt; passages are dropped from the least relevant on until prompt and answer fit the window."""
        system, user = self._templates("zh" if script(question) == "cjk" else "en")
        kept = list(hits)
        while True:
            filled = user.safe_substitute(passages=_numbered(kept), question=question)
            messages = [Message("system", system), *history[-_HISTORY_TURNS:], Message("user", filled)]
            if not kept or generator.count_tokens(messages) + answer_tokens <= generator.context_window:
                return Prompt(messages, kept)
            kept.pop()

    def _templates(self, language: str) -> tuple[str, Template]:
        folder = self._folder or files("configs") / "prompts"
        name = f"answer.{language}.md"
        try:
            system, separator, user = (folder / name).read_text("utf-8").partition("\n---\n")
        except OSError as error:
            raise InvalidSetting(
                f"The prompt '{folder / name}' cannot be read: {error.strerror}.",
                "Check the setting answering.prompts.",
            ) from error
        if not separator:
            raise InvalidSetting(
                f"The prompt '{folder / name}' has no line '---'.", "Put it between the system and the user message."
            )
        return system.strip(), Template(user.strip())


def _numbered(hits: Sequence[Hit]) -> str:
    return "\n\n".join(f"[{number}] {hit.chunk.searchable}" for number, hit in enumerate(hits, 1))
