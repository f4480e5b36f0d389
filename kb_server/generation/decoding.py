"""From token ids to text, one token at a time."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

INCOMPLETE = "\ufffd"


class TextStream:
    """Turns ids into pieces of text whose sum is the text of all ids; special tokens leave no trace.

    A character that spans several tokens is held back until it is whole.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._shown = 0

    def push(self, token_id: int) -> str:
        """Add a token; return the text it completes, which may be empty."""
        self._ids.append(token_id)
        text = self._text(self._ids)
        return "" if text.endswith(INCOMPLETE) else self._advance(text)

    def flush(self) -> str:
        """Return what is held back, with the replacement character for bytes that never became a character."""
        return self._advance(self._text(self._ids))

    def _advance(self, text: str) -> str:
        """Show what is new; keep the shown tokens as context, since a word's first token may hide its space."""
        piece = text[len(self._text(self._ids[: self._shown])) :]
        self._ids = self._ids[self._shown :]
        self._shown = len(self._ids)
        return piece

    def _text(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
