"""From token ids to text, one token at a time."""

from collections.abc import Callable, Sequence

INCOMPLETE = "\ufffd"


class TextStream:
    """Turns ids into pieces of text whose sum is the text of all ids; special tokens leave no trace.

    A character that spans several tokens is held back until it is whole.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._shown = 0

    def push(self, token_id: int) -> str:
        """Add a token; return the text it completes, which may be empty."""
        self._ids.append(token_id)
        text = self._decode(self._ids)
        return "" if text.endswith(INCOMPLETE) else self._advance(text)

    def flush(self) -> str:
        """Return what is held back, with the replacement character for bytes that never became a character."""
        return self._advance(self._decode(self._ids))

    def _advance(self, text: str) -> str:
        """Show what is new; keep the shown tokens as context, since a word's first token may hide its space."""
        piece = text[len(self._decode(self._ids[: self._shown])) :]
        self._ids = self._ids[self._shown :]
        self._shown = len(self._ids)
        return piece
