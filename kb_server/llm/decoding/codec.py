"""Between messages, token ids and text: what an engine needs of a model's tokenizer."""

from collections.abc import Sequence
from typing import Protocol

from kb_server.core.answers import Message


class Codec(Protocol):
    """Builds prompts from ids, so that nothing in a text becomes a role marker."""

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids up to where the assistant speaks."""
        ...

    def encode_content(self, text: str) -> list[int]:
        """Return the ids of plain text; none of them is a special token."""
        ...

    def lead(self) -> list[int]:
        """Return what a text by itself starts with for this model; empty if nothing."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; special tokens leave no trace, a broken character becomes U+FFFD."""
        ...


def clean(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
